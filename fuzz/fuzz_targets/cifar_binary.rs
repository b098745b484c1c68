//! Batches in CIFAR-10's and CIFAR-100's binary layout, and the names of their classes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zoo_data::cifar10::{Source, load_batches};

fuzz_target!(|bytes: &[u8]| {
    // The first byte says where the names end.
    let Some((&split, rest)) = bytes.split_first() else { return };
    let (names, batch) = rest.split_at(rest.len().min(split.into()));
    zoo_fuzz::with_folder(|folder| {
        std::fs::write(folder.join("batches.meta.txt"), names).expect("it can be written");
        for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
            std::fs::write(folder.join(name).with_extension("bin"), batch).expect("it can be written");
        }
        if let Some(dataset) = Source::find(folder).and_then(|source| load_batches(&source).ok()) {
            assert_eq!(dataset.train.len(), 5 * dataset.test.len());
        }
    });
});
