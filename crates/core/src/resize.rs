//! Images of another size.

use burn::tensor::{Device, Tensor, TensorData};

/// Resizes images: each pixel of the result is a mean of those that it covers, weighted by a triangle (bilinear, antialiased where it
/// shrinks), as Pillow's `BILINEAR` and PyTorch's `interpolate(mode="bilinear", antialias=True)` do.
///
/// With s = side before / side after and r = max(s, 1), pixel i of a line becomes
///
/// ```text
/// Σ_j w_ij v_j / Σ_j w_ij        w_ij = max(0, 1 − |j + ½ − (i + ½) s| / r)
/// ```
///
/// of lines down, then of lines across. Both are matrix products, which any device does.
///
/// # Shapes
/// - `images`: `[batch, channels, height, width]`.
/// - returns: `[batch, channels, size[0], size[1]]`.
///
/// # Panics
/// If a side, before or after, is 0.
#[must_use]
pub fn resize(images: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let ([batch, channels, height, width], device) = (images.dims(), images.device());
    if [height, width] == size {
        return images;
    }
    let precision = images.dtype();
    let planes = images.reshape([batch * channels, height, width]);
    let down = weights(height, size[0], &device).cast(precision).unsqueeze::<3>();
    let across = weights(width, size[1], &device).cast(precision).transpose().unsqueeze::<3>();
    // Products of each plane with the same matrix.
    let [down, across] = [down, across].map(|matrix| matrix.repeat_dim(0, batch * channels));
    down.matmul(planes).matmul(across).reshape([batch, channels, size[0], size[1]])
}

/// w_ij / Σ_j w_ij, `[after, before]`.
fn weights(before: usize, after: usize, device: &Device) -> Tensor<2> {
    assert!(before > 0 && after > 0, "{before} pixels can't become {after}");
    let scale = before as f64 / after as f64;
    let reach = scale.max(1.0);
    let mut values = Vec::with_capacity(before * after);
    for place in 0..after {
        let centre = (place as f64 + 0.5) * scale;
        let weight = |pixel: usize| (1.0 - (pixel as f64 + 0.5 - centre).abs() / reach).max(0.0);
        let sum: f64 = (0..before).map(weight).sum();
        values.extend((0..before).map(|pixel| (weight(pixel) / sum) as f32));
    }
    zoo_kernels::upload(TensorData::new(values, [after, before]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f32], width: usize) -> Vec<f32> {
        let data = TensorData::new(values.to_vec(), [1, 1, 1, values.len()]);
        let resized = resize(Tensor::from_data(data, &Device::flex()), [1, width]);
        resized.into_data().try_to_vec().unwrap()
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {expected:?}");
        assert_eq!(found.len(), expected.len());
    }

    /// Expected values are those of PyTorch 2.15, `interpolate(…, mode="bilinear", antialias=True)`.
    #[test]
    fn resizes_as_pytorch_does() {
        close(&line(&[0.0, 8.0], 4), &[0.0, 2.0, 6.0, 8.0]);
        close(&line(&[0.0, 8.0, 4.0, 16.0], 2), &[4.0, 9.71429]);
        close(&line(&[1.0, 2.0, 4.0, 8.0, 16.0], 3), &[1.42857, 4.44444, 12.57143]);
        close(&line(&[3.0, 5.0], 2), &[3.0, 5.0]);
    }

    #[test]
    fn planes_are_resized_by_themselves() {
        let values: Vec<f32> = (0..2 * 3 * 4).map(|value| value as f32).collect();
        let images = Tensor::from_data(TensorData::new(values, [2, 1, 3, 4]), &Device::flex());
        let resized = resize(images.clone(), [6, 2]);
        assert_eq!(resized.dims(), [2, 1, 6, 2]);
        let second = resize(images.slice(1..2), [6, 2]).into_data().try_to_vec::<f32>().unwrap();
        close(&resized.slice(1..2).into_data().try_to_vec::<f32>().unwrap(), &second);
        let constant = resize(Tensor::<4>::ones([1, 3, 5, 7], &Device::flex()), [32, 3]);
        close(&constant.into_data().try_to_vec::<f32>().unwrap(), &[1.0; 3 * 32 * 3]);
    }
}
