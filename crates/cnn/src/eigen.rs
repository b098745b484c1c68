//! Eigenvalues and eigenvectors of small symmetric matrices.

/// Sweeps after which the method is given up; a matrix of twelve rows takes about six.
const SWEEPS: usize = 64;

/// An eigenvalue and its eigenvector, of length 1.
pub(crate) type Eigenpair = (f64, Vec<f64>);

/// All eigenpairs of a symmetric matrix, given by its rows, the largest value first.
///
/// Jacobi's method: rotations of two axes at a time, each of which makes one value off the diagonal zero, until all are
/// (Golub and Van Loan, *Matrix Computations*, 4th ed., section 8.5).
pub(crate) fn symmetric(mut matrix: Vec<Vec<f64>>) -> Vec<Eigenpair> {
    let size = matrix.len();
    let unit = |axis: usize| (0..size).map(|other| if other == axis { 1.0 } else { 0.0 }).collect();
    let mut vectors: Vec<Vec<f64>> = (0..size).map(unit).collect();
    for _ in 0..SWEEPS {
        if is_diagonal(&matrix) {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    let values = matrix.iter().enumerate().map(|(at, row)| row[at]);
    let mut pairs: Vec<Eigenpair> = values.zip(vectors).collect();
    pairs.sort_by(|left, right| right.0.total_cmp(&left.0));
    pairs
}

/// Whether what is off the diagonal is within rounding of zero.
fn is_diagonal(matrix: &[Vec<f64>]) -> bool {
    let squares = |on: bool| -> f64 {
        let values = matrix
            .iter()
            .enumerate()
            .flat_map(|(row, values)| values.iter().enumerate().map(move |at| (row, at)));
        values.filter(|&(row, (column, _))| (row == column) == on).map(|(_, (_, value))| value * value).sum()
    };
    squares(false) <= f64::EPSILON * f64::EPSILON * squares(true)
}

/// Turns axes p and q so that the values at (p, q) and (q, p) become zero. Rows of `vectors` are the axes so far.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if matrix[p][q] == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for row in &mut *matrix {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    for rows in [matrix, vectors] {
        for column in 0..rows[p].len() {
            (rows[p][column], rows[q][column]) = turn(rows[p][column], rows[q][column]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn two_axes_by_hand() {
        let pairs = symmetric(vec![vec![2.0, 1.0], vec![1.0, 2.0]]);
        close(pairs[0].0, 3.0);
        close(pairs[1].0, 1.0);
        close(pairs[0].1[0] * pairs[0].1[1], 0.5);
        close(pairs[1].1[0] * pairs[1].1[1], -0.5);
    }

    #[test]
    fn pairs_make_up_the_matrix() {
        let matrix: Vec<Vec<f64>> = (0..12)
            .map(|row: i32| {
                (0..12).map(|column| f64::from((row * column) % 7 + (row - column).abs())).collect()
            })
            .collect();
        let pairs = symmetric(matrix.clone());
        assert!(pairs.is_sorted_by(|left, right| left.0 >= right.0));
        for row in 0..12 {
            for column in 0..12 {
                let sum = |weight: &dyn Fn(f64) -> f64| -> f64 {
                    pairs.iter().map(|(value, vector)| weight(*value) * vector[row] * vector[column]).sum()
                };
                close(sum(&|value| value), matrix[row][column]);
                close(sum(&|_| 1.0), if row == column { 1.0 } else { 0.0 });
            }
        }
    }

    #[test]
    fn a_diagonal_matrix_is_sorted() {
        let pairs = symmetric(vec![vec![1.0, 0.0], vec![0.0, 5.0]]);
        assert_eq!(pairs, [(5.0, vec![0.0, 1.0]), (1.0, vec![1.0, 0.0])]);
        assert_eq!(symmetric(vec![vec![0.0; 2]; 2])[1].0, 0.0);
    }
}
