//! A file with recipes, and what `--set` changes of them: the lines after the last empty one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zoo_recipes::{Dimensions, Registry};

fuzz_target!(|text: &str| {
    let (recipe, changes) = text.rsplit_once("\n\n").unwrap_or((text, ""));
    zoo_fuzz::with_file("recipe.toml", recipe.as_bytes(), |path| {
        let path = path.to_str().expect("it is text");
        let Ok(contenders) = Registry::zoo().contenders(&[path]) else { return };
        let Ok(contenders) = contenders.set(changes.lines()) else { return };
        for contender in &*contenders {
            let dimensions = Dimensions { shape: [3, 32, 32], classes: 10, images: 100, has_validation: true };
            let _ = contender.estimator.check(dimensions);
            let table = contender.table().expect("a recipe is a table");
            let again = zoo_recipes::Contender::from_table(&Registry::zoo(), "itself", table, None);
            assert!(again.is_ok(), "what is written is read");
        }
    });
});
