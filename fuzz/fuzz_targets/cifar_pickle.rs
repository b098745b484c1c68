//! Batches as Python pickles them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zoo_data::cifar10::{Source, load_batches};

fuzz_target!(|bytes: &[u8]| {
    zoo_fuzz::with_folder(|folder| {
        for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
            std::fs::write(folder.join(name), bytes).expect("it can be written");
        }
        if let Some(dataset) = Source::find(folder).and_then(|source| load_batches(&source).ok()) {
            assert_eq!(dataset.train.len(), 5 * dataset.test.len());
        }
    });
});
