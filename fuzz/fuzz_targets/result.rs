//! Results, and what is shown of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zoo_schema::{Comparison, Reproduction, SearchResult};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(comparison) = serde_json::from_slice::<Comparison>(bytes) {
        let _ = (zoo_report::markdown(&comparison), zoo_report::csv(&comparison));
        let _ = (zoo_report::table_within(&comparison, 80), zoo_report::details(&comparison));
        let _ = (zoo_report::notes(&comparison), zoo_report::terminal_pictures(&comparison, 80, true));
        let _ = zoo_report::curves(&comparison).map(|picture| picture.svg().len());
    }
    if let Ok(search) = serde_json::from_slice::<SearchResult>(bytes) {
        let _ = zoo_report::search_markdown(&search, &["train.epochs".into()]);
    }
    if let Ok(reproduction) = serde_json::from_slice::<Reproduction>(bytes) {
        let _ = zoo_report::reproduction_markdown(&reproduction);
    }
});
