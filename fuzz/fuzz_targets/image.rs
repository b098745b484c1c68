//! Photos of any format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zoo_data::folder::{Reading, Workshop, load};

/// Two pixels, red and blue.
const BITMAP: &[u8] = b"BM\x3e\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\0";

fuzz_target!(|bytes: &[u8]| {
    zoo_fuzz::with_folder(|folder| {
        for class in ["a", "b"] {
            std::fs::create_dir_all(folder.join(class)).expect("it can be made");
            std::fs::write(folder.join(class).join("whole.bmp"), BITMAP).expect("it can be written");
        }
        std::fs::write(folder.join("a/photo.png"), bytes).expect("it can be written");
        let _ = load(folder, &Reading::default(), &mut Workshop { cache: None, memory: 1 << 30, hear: &mut |_| {} });
    });
});
