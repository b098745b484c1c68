//! What a model takes for something else.

use zoo_backends::Machine;
use zoo_data::{Splits, Subset};
use zoo_report::{Grid, Row, Tile};
use zoo_train::{TestTimeAugmentation, score_augmented};

use crate::error::LabError;
use crate::pictures::image::{Named, raster};
use crate::run::TrainingRun;
use crate::watch::Watch;

/// Mistakes per class.
const COUNT: usize = 10;
/// Test images that are looked at before it is asked whether that was enough.
const PART: usize = 1000;

/// A row per true class: test images that the model of `run` is wrong about, with what it takes them for. Which ones are looked
/// at first follows from the run's seed.
pub(crate) fn draw(
    run: &TrainingRun,
    splits: &Splits,
    machine: &Machine,
    watch: &dyn Watch,
) -> Result<Named, LabError> {
    let model = run.model(machine)?;
    let (name, classes) = (run.contender.name(), &splits.classes);
    // Whoever leaves the test images alone doesn't look at them either.
    let no_test = run.config.protocol().no_test;
    let (images, of) = if no_test { (&splits.validation, "Validation") } else { (&splits.test, "Test") };
    let mut progress = watch.progress(&format!("{name} predicts"), images.len());

    let mut rows: Vec<Row> =
        classes.iter().map(|class| Row { label: class.clone(), tiles: Vec::new() }).collect();
    let (mut rest, mut seen) = (images.clone(), 0);
    while !rest.is_empty() && rows.iter().any(|row| row.tiles.len() < COUNT) {
        let (part, others) = rest.stratified(PART.min(rest.len()), run.config.seed);
        let mut observe = |done: usize| progress(seen + done);
        let plain = TestTimeAugmentation::None;
        let scores = score_augmented(model.classifier(), &part, plain, &machine.device, &mut observe)?;
        collect(&mut rows, &part, &scores.predictions(), classes);
        seen += part.len();
        rest = others;
    }
    let grid = Grid {
        title: format!("What {name} gets wrong on {}", splits.name),
        notes: format!("{of} images by their true class; below each what it was taken for."),
        rows,
        apart: 0,
    };
    Ok(("misclassified".into(), grid.draw()))
}

/// Adds the images of `part` whose prediction is wrong to the rows of their classes, while there is room.
fn collect(rows: &mut [Row], part: &Subset, predictions: &[usize], classes: &[String]) {
    for (position, &prediction) in predictions.iter().enumerate() {
        let label = part.label(position);
        if prediction != label && rows[label].tiles.len() < COUNT {
            rows[label].tiles.push(Tile::new(raster(part, position), &classes[prediction]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mistakes_are_collected() {
        let images = zoo_data::shapes10::generate(300, 10, 1).train;
        let classes: Vec<String> = (0..10).map(|class| format!("class {class}")).collect();
        let mut rows = vec![Row::default(); 10];
        // Whatever is of class 3 is taken for class 4, all others are right.
        let predictions: Vec<usize> =
            images.labels().into_iter().map(|label| if label == 3 { 4 } else { label }).collect();
        collect(&mut rows, &images, &predictions, &classes);
        for (class, row) in rows.iter().enumerate() {
            assert_eq!(row.tiles.len(), if class == 3 { COUNT } else { 0 });
            assert!(row.tiles.iter().all(|tile| tile.caption == "class 4"));
        }
    }
}
