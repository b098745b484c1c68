//! A whole run folder: its files one after the other, each behind a line `== NAME`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zoo_lab::read_answers;
use zoo_lab::run::{ComparisonRun, TrainingRun, read_comparison};
use zoo_lab::tune::{SearchFolder, read_trials};
use zoo_recipes::Registry;

const FILES: [&str; 6] =
    ["config.toml", "result.json", "predictions.csv", "trials.jsonl", "metrics.jsonl", "softmax/config.toml"];

fuzz_target!(|text: &str| {
    zoo_fuzz::with_folder(|folder| {
        std::fs::create_dir_all(folder.join("softmax")).expect("it can be made");
        for name in FILES {
            let _ = std::fs::remove_file(folder.join(name));
        }
        for part in text.split("== ").skip(1) {
            let (name, content) = part.split_once('\n').unwrap_or((part, ""));
            if FILES.contains(&name) {
                std::fs::write(folder.join(name), content).expect("it can be written");
            }
        }
        let registry = Registry::zoo();
        let _ = TrainingRun::open_all(&registry, folder).map(|runs| runs.len());
        let _ = TrainingRun::open(&registry, folder).map(|run| run.config.dimensions().values());
        let _ = ComparisonRun::open(&registry, folder).map(|run| run.config.protocol());
        let _ = SearchFolder::open(&registry, folder).map(|search| search.plan.settings(1).map(|plan| plan.len()));
        let _ = (read_comparison(folder), read_answers(folder), read_trials(&folder.join("trials.jsonl")));
    });
});
