//! Fit and evaluate classifiers side by side.

mod kept;
mod row;

use zoo_backends::Machine;
use zoo_core::Scores;
use zoo_data::Splits;
use zoo_recipes::{Contender, Dimensions};
use zoo_schema::{Answers, Comparison, DatasetSummary, ModelAnswers, ModelResult};

use crate::error::{LabError, in_words};
use crate::fit::Outcome;
use crate::lab::Lab;
use crate::memory;
use crate::protocol::Protocol;
use crate::summary::{Summary, dataset};
use crate::watch::Watch;

pub use kept::compare_in;

pub(crate) use row::{seeds, training};

use row::Row;

/// Bytes of memory that are worth a word: few machines have less than four times as much.
const MUCH: u64 = 1 << 30;

/// Refuses recipes that the images don't suit.
///
/// # Errors
/// [`LabError::Recipe`] names the recipe and the key.
pub fn check(contenders: &[Contender], splits: &Splits) -> Result<(), LabError> {
    Ok(contenders.iter().try_for_each(|contender| contender.check(Dimensions::of(splits)))?)
}

/// Tells `watch` which recipes need much memory, and how much.
///
/// # Errors
/// [`LabError::Memory`] for a recipe that needs more than the machine has, if it is to compute: the system would end the process.
pub(crate) fn check_memory(
    contenders: &[Contender],
    splits: &Splits,
    machines: &[Machine],
    watch: &dyn Watch,
) -> Result<(), LabError> {
    let dimensions = Dimensions::of(splits);
    for contender in contenders {
        let needed = contender.estimator.estimated_bytes(dimensions) as u64;
        if needed >= MUCH {
            let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
            let (name, most) = (contender.name(), memory::most());
            let needed_in_words = gigabytes(needed);
            if needed > most && machines.iter().any(|machine| !machine.gpu) {
                let (recipe, needed, most) = (name.to_owned(), needed_in_words, gigabytes(most));
                return Err(LabError::Memory { recipe, needed, most });
            }
            if machines.iter().all(|machine| machine.gpu) {
                watch.line(&format!("{name} will need about {needed_in_words} of the GPU's memory"));
            } else {
                let free = gigabytes(memory::available());
                watch.line(&format!("{name} will need about {needed_in_words} of memory; {free} are free"));
            }
        }
    }
    Ok(())
}

/// Fits each of `contenders` to the same images on each of `machines`, and judges what comes out. A model that fails is a row with its
/// reason. With several machines each row of a model after the first has the largest difference of an image's score from that on the
/// first machine. Nothing is kept; [`compare_in`] keeps everything.
///
/// # Errors
/// [`LabError`] for a recipe that the images don't suit, before anything is fitted.
pub fn compare(
    contenders: &[Contender],
    splits: &Splits,
    machines: &[Machine],
    protocol: Protocol,
    watch: &dyn Watch,
) -> Result<Comparison, LabError> {
    let dataset = dataset(splits, protocol);
    let comparing = Comparing { contenders, splits, dataset, machines, protocol, watch };
    let train =
        |member: &Member<'_>| comparing.lab(member).fit_and_judge(member.contender, None).map(Trained::from);
    Ok(comparing.run(&train, &mut |_, _| Ok(()))?.0)
}

/// One training of one recipe on one machine.
struct Member<'a> {
    contender: &'a Contender,
    machine: &'a Machine,
    seed: u64,
    /// What tells it apart from the others, and its folder within that of the comparison.
    folder: String,
}

/// A model that is trained and judged.
struct Trained {
    result: ModelResult,
    answers: ModelAnswers,
    /// The scores of the images that it is judged on, where they are asked for.
    scores: Option<Scores>,
}

impl From<Outcome> for Trained {
    fn from(Outcome { result, answers, scores, .. }: Outcome) -> Self {
        Self { result, answers, scores: Some(scores) }
    }
}

/// How a member is trained.
type Train<'a> = &'a dyn Fn(&Member<'_>) -> Result<Trained, LabError>;

/// What hears of each change.
type OnChange<'a> = &'a mut dyn FnMut(&Comparison, &Answers) -> Result<(), LabError>;

/// All that a comparison depends on.
struct Comparing<'a> {
    contenders: &'a [Contender],
    splits: &'a Splits,
    /// What results say of the images.
    dataset: DatasetSummary,
    machines: &'a [Machine],
    protocol: Protocol,
    watch: &'a dyn Watch,
}

impl<'a> Comparing<'a> {
    fn lab(&self, member: &Member<'a>) -> Lab<'a> {
        let Self { splits, protocol, watch, .. } = *self;
        Lab { splits, machine: member.machine, protocol: protocol.of_training(member.seed), watch }
    }

    /// Trains every member, and tells after each how things are.
    fn run(&self, train: Train<'_>, on_change: OnChange<'_>) -> Result<(Comparison, Answers), LabError> {
        check(self.contenders, self.splits)?;
        check_memory(self.contenders, self.splits, self.machines, self.watch)?;
        self.protocol.check(self.splits)?;
        let summary = Summary::new(self.splits, self.machines, self.protocol, self.dataset.clone());
        let mut rows: Vec<Row> = Vec::new();
        let mut so_far = self.summarize(&summary, &rows);
        'models: for contender in self.contenders {
            let mut first = None;
            for (place, machine) in self.machines.iter().enumerate() {
                rows.push(Row::new(self.label(contender, place), contender.result(machine)?, place == 0));
                for member in self.members(contender, place) {
                    let row = rows.last_mut().expect("one was pushed");
                    let is_stopped = match train(&member) {
                        Ok(trained) => {
                            row.push(member, trained, &mut first);
                            false
                        }
                        Err(error) => {
                            row.fail(&member, in_words(&error), self.protocol);
                            error.is_stop()
                        }
                    };
                    so_far = self.summarize(&summary, &rows);
                    on_change(&so_far.0, &so_far.1)?;
                    // Stopped: the rows so far are the result.
                    if is_stopped {
                        break 'models;
                    }
                }
            }
        }
        Ok(so_far)
    }

    /// What tells the row of `contender` on the machine at `place` apart from others.
    fn label(&self, contender: &Contender, place: usize) -> String {
        match place {
            0 => contender.name().into(),
            _ => format!("{}-on-{}", contender.name(), self.machines[place].backend),
        }
    }

    /// The trainings of `contender` on the machine at `place`: one per seed, or one if nothing depends on the seed.
    fn members<'b>(
        &'b self,
        contender: &'a Contender,
        place: usize,
    ) -> impl Iterator<Item = Member<'a>> + 'b {
        let label = self.label(contender, place);
        let is_several = self.protocol.trainings > 1 && contender.estimator.trainable().is_some();
        let seeds = self.protocol.seeds().take(if is_several { usize::MAX } else { 1 });
        seeds.map(move |seed| Member {
            contender,
            machine: &self.machines[place],
            seed,
            folder: if is_several { format!("{label}/seed-{seed}") } else { label.clone() },
        })
    }

    fn summarize(&self, summary: &Summary<'_>, rows: &[Row]) -> (Comparison, Answers) {
        let machine = &self.machines[0];
        let lab = Lab { splits: self.splits, machine, protocol: self.protocol, watch: self.watch };
        let mut answers = lab.answers(Vec::new());
        let compared: Vec<_> = rows.iter().filter_map(|row| row.compared(&answers)).collect();
        let comparison = summary.comparison(rows.iter().map(Row::result).collect(), &compared);
        answers.models = rows.iter().flat_map(Row::answers).collect();
        (comparison, answers)
    }
}
