//! Weights that see pixels, as images: the templates of linear classifiers, the filters of a network's first layer.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use zoo_report::{Grid, Raster, Row, Tile};

use crate::error::LabError;
use crate::pictures::image::columns;

/// The weights of a linear classifier, `[classes, features]`.
const TEMPLATES: &str = "scores.linear.weight";
/// Hidden units beyond these are left out.
const MOST: usize = 100;

/// The templates of a linear model; of any other the filters of its first layer; with the name of the picture. None if no weights see pixels. `file` has the weights
/// of the model `name`, which was fitted to images of `shape` and of these `classes` in `dataset`.
pub(crate) fn grid(
    name: &str,
    file: &Path,
    shape: [usize; 3],
    classes: &[String],
    dataset: &str,
) -> Result<Option<(&'static str, Grid)>, LabError> {
    let bytes = zoo_files::read(file, zoo_recipes::LARGEST_WEIGHTS).map_err(LabError::io("read", file))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(LabError::content("load", file))?;
    let Some((tensor, view)) = first_weights(&tensors, shape) else { return Ok(None) };
    let images = images(&view, shape)
        .ok_or_else(|| LabError::file(file, format!("{tensor} is {:?}, expected F32", view.dtype())))?;
    let (title, captions) = match view.shape().len() {
        _ if tensor == TEMPLATES => ("Templates", classes),
        4 => ("First-layer filters", &[][..]),
        _ => ("First-layer templates", &[][..]),
    };
    let (count, shown) = (view.shape()[0], images.len());
    let left_out = if shown < count { format!("The first {shown} of {count}. ") } else { String::new() };
    let caption = |place: usize| captions.get(place).map_or("", String::as_str);
    let tiles: Vec<Tile> =
        images.into_iter().enumerate().map(|(place, image)| Tile::new(image, caption(place))).collect();
    let across = if tensor == TEMPLATES { columns(shown) } else { filter_columns(shown) };
    let grid = Grid {
        title: format!("{title} of {name} on {dataset}"),
        notes: format!("{left_out}Weights of each, scaled so that its least is 0 and its largest 255."),
        rows: Row::wrap(&tiles, across),
        apart: 0,
    };
    Ok(Some((if tensor == TEMPLATES { "templates" } else { "filters" }, grid)))
}

/// The weights that see pixels, by name the first: a convolution's `[filters, channels, rows, columns]`, or a linear layer's
/// `[units, channels · height · width]`.
fn first_weights<'a>(
    tensors: &'a SafeTensors<'a>,
    [channels, height, width]: [usize; 3],
) -> Option<(String, TensorView<'a>)> {
    let sees_pixels = |name: &str, view: &TensorView<'_>| match *view.shape() {
        _ if !name.ends_with("weight") => false,
        [_, inputs, _, _] => inputs == channels,
        [_, inputs] => inputs == channels * height * width,
        _ => false,
    };
    let mut found: Vec<(String, TensorView<'a>)> =
        tensors.tensors().into_iter().filter(|(name, view)| sees_pixels(name, view)).collect();
    found.sort_by(|left, right| (right.1.shape().len(), &left.0).cmp(&(left.1.shape().len(), &right.0)));
    found.into_iter().next()
}

/// Each unit's weights, scaled by their own least and largest. None unless they are `f32`.
fn images(view: &TensorView<'_>, shape: [usize; 3]) -> Option<Vec<Raster>> {
    let shape = match *view.shape() {
        [_, channels, height, width] => [channels, height, width],
        _ => shape,
    };
    if view.dtype() != Dtype::F32 {
        return None;
    }
    let weight = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let weights: Vec<f32> = view.data().chunks_exact(4).map(weight).collect();
    let units = weights.chunks_exact(shape.iter().product());
    Some(units.take(MOST).map(|unit| Raster::of_weights(unit, shape)).collect())
}

/// Columns for a number of filters: few are in one row, others in a rectangle that is as wide as high or wider.
fn filter_columns(filters: usize) -> usize {
    let side = (filters as f64).sqrt().ceil() as usize;
    side.max(filters.min(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tensors: &[(&str, Vec<usize>)]) -> Vec<u8> {
        let zeros = vec![0; 4 * 40 * 3072];
        let view = |shape: &Vec<usize>| {
            TensorView::new(Dtype::F32, shape.clone(), &zeros[..4 * shape.iter().product::<usize>()]).unwrap()
        };
        safetensors::serialize(tensors.iter().map(|(name, shape)| (*name, view(shape))), None).unwrap()
    }

    fn first(tensors: &[(&str, Vec<usize>)]) -> Option<String> {
        let bytes = file(tensors);
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        first_weights(&tensors, [3, 32, 32]).map(|found| found.0)
    }

    #[test]
    fn the_first_weights_are_those_that_see_pixels() {
        let convolutions = [
            ("blocks.1.weight", vec![8, 8, 3, 3]),
            ("blocks.0.weight", vec![8, 3, 3, 3]),
            ("normalizer.mean", vec![1, 3, 1, 1]),
        ];
        assert_eq!(first(&convolutions).as_deref(), Some("blocks.0.weight"));
        let layers = [
            ("layers.1.weight", vec![10, 40]),
            ("layers.0.weight", vec![40, 3072]),
            ("layers.0.bias", vec![40]),
        ];
        assert_eq!(first(&layers).as_deref(), Some("layers.0.weight"));
        assert_eq!(first(&[(TEMPLATES, vec![10, 3072])]).as_deref(), Some(TEMPLATES));
        assert_eq!(first(&[(TEMPLATES, vec![10, 155])]), None, "features that are no pixels");
    }

    #[test]
    fn filters_have_the_size_of_their_kernel() {
        let bytes = file(&[("weight", vec![8, 3, 5, 4])]);
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let images = images(&tensors.tensor("weight").unwrap(), [3, 32, 32]).unwrap();
        assert_eq!(images.len(), 8);
        assert_eq!((images[0].height(), images[0].width()), (5, 4));
        assert_eq!([1, 6, 8, 24, 32, 64, 100].map(filter_columns), [1, 6, 8, 8, 8, 8, 10]);
    }
}
