//! Searches one setting after the other, until `zoo tune` is there.
use crate::backend::Selected;
use crate::config::Contender;
use crate::judge::fit_and_judge;
use crate::progress::Progress;
use crate::recipes::Job;
use crate::source::Source;
use std::collections::BTreeMap;
use toml::{Table, Value};
use zoo_core::search::Trial;
pub(crate) type Settings = BTreeMap<String, Value>;
pub(crate) struct Space(Vec<(String, Vec<Value>)>);
impl Space {
    pub(crate) fn from_table(table: &Table, _: &[String]) -> anyhow::Result<Self> {
        Ok(Self(table.iter().map(|(k, v)| (k.clone(), v.as_array().unwrap().clone())).collect()))
    }
    pub(crate) fn plan(&self, _: Option<usize>, _: u64) -> anyhow::Result<Vec<Settings>> {
        let mut grid = vec![Settings::new()];
        for (key, values) in &self.0 {
            grid = grid
                .iter()
                .flat_map(|s| {
                    values.iter().map(move |v| {
                        let mut s = s.clone();
                        s.insert(key.clone(), v.clone());
                        s
                    })
                })
                .collect();
        }
        Ok(grid)
    }
}
pub(crate) struct Search<'a> {
    pub name: &'a str,
    pub contender: &'a Contender,
    pub plan: &'a [Settings],
    pub source: &'a Source,
    pub seed: u64,
    pub selected: &'a Selected,
    pub folds: Option<usize>,
    pub jobs: Option<usize>,
    pub progress: Progress,
}
pub(crate) fn with_settings(contender: &Contender, settings: &Settings) -> anyhow::Result<Contender> {
    let mut table = contender.table()?;
    for (key, value) in settings {
        let mut t = &mut table;
        let mut parts: Vec<&str> = key.split('.').collect();
        let last = parts.pop().unwrap();
        for p in parts {
            t = t.get_mut(p).unwrap().as_table_mut().unwrap();
        }
        t.insert(last.into(), value.clone());
    }
    crate::config::contender("settings", contender.name(), table)
}
impl Search<'_> {
    pub(crate) fn run(&self, _: &mut dyn FnMut(&Trial) -> anyhow::Result<()>) -> anyhow::Result<Vec<Trial>> {
        let splits = self.source.splits(self.seed)?;
        let mut trials = Vec::new();
        for (n, settings) in self.plan.iter().enumerate() {
            let c = with_settings(self.contender, settings)?;
            let job = Job {
                name: self.name,
                splits: &splits,
                selected: self.selected,
                seed: self.seed,
                progress: Progress::Silent,
                checkpoints: None,
                on_epoch: &|_| Ok(()),
            };
            let r = fit_and_judge(&c, &job)?.result;
            let t = Trial {
                trial: n + 1,
                settings: settings
                    .iter()
                    .map(|(k, v)| (k.clone(), serde_json::to_value(v).unwrap()))
                    .collect(),
                validation_accuracies: r
                    .validation
                    .map(|v| v.accuracy)
                    .or(r.test.map(|t| t.accuracy))
                    .into_iter()
                    .collect(),
                training_accuracy: None,
                seconds: 0.0,
                error: None,
            };
            eprintln!("  {:?} {:?}", t.settings, t.validation_accuracy());
            trials.push(t);
        }
        Ok(trials)
    }
}
