//! Ways to divide images: in proportion, in folds, in groups.

use std::collections::HashMap;

use rand::seq::SliceRandom;

use crate::images::Subset;
use crate::random::{Purpose, derive_seed, generator};

/// Images that stay together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    id: u32,
    positions: Vec<usize>,
    /// How many of its images are of each class.
    counts: HashMap<usize, usize>,
    /// The class that most of its images are of.
    label: usize,
}

impl Subset {
    /// Divides the subset into `count` images and the rest, each class in proportion.
    ///
    /// Which images are chosen follows from `seed`; both parts keep their order. Class c of n_c images gives
    /// ⌊count · n_c / n⌋, and the classes with the largest remainders give one more (the smaller label first)
    /// until there are `count`.
    ///
    /// # Panics
    /// If `count` is above [`len`](Self::len).
    #[must_use]
    pub fn stratified(&self, count: usize, seed: u64) -> (Self, Self) {
        assert!(count <= self.len(), "{count} of {} images", self.len());
        let members = self.members();
        let quotas = apportion(count, &members.iter().map(Vec::len).collect::<Vec<_>>());
        let mut chosen = vec![false; self.len()];
        for (label, (mut positions, quota)) in members.into_iter().zip(quotas).enumerate() {
            positions.shuffle(&mut generator(seed, Purpose::Split, label as u64));
            for &position in &positions[..quota] {
                chosen[position] = true;
            }
        }
        let part = |wanted| self.select((0..self.len()).filter(|&position| chosen[position] == wanted));
        (part(true), part(false))
    }

    /// Divides the subset into its first `count` images and the rest.
    ///
    /// # Panics
    /// If `count` is above [`len`](Self::len).
    #[must_use]
    pub fn split_at(&self, count: usize) -> (Self, Self) {
        assert!(count <= self.len(), "{count} of {} images", self.len());
        (self.select(0..count), self.select(count..self.len()))
    }

    /// The pairs (all but fold i, fold i) of `count`-fold cross-validation: each image is in one fold. Folds differ by one image
    /// at most, in all and in each class.
    ///
    /// Which image is in which fold follows from `seed`: those of a class are shuffled and dealt out in turn, and the next class
    /// goes on where the one before has stopped. All parts keep their order.
    ///
    /// # Panics
    /// If `count` is 0 or above [`len`](Self::len).
    #[must_use]
    pub fn folds(&self, count: usize, seed: u64) -> Vec<(Self, Self)> {
        let mut fold_of = vec![0; self.len()];
        let mut dealt = 0;
        for (label, mut positions) in self.members().into_iter().enumerate() {
            positions.shuffle(&mut generator(seed, Purpose::Folds, label as u64));
            for position in positions {
                fold_of[position] = dealt % count;
                dealt += 1;
            }
        }
        self.leave_out_each(count, &fold_of)
    }

    /// Like [`folds`](Self::folds), but each fold is one stretch of the subset and nothing is drawn: courses that use CIFAR-10's
    /// batches as folds have them so. As `numpy.array_split` does, the first folds take an image more where the division leaves
    /// some over.
    ///
    /// # Panics
    /// If `count` is 0 or above [`len`](Self::len).
    #[must_use]
    pub fn consecutive_folds(&self, count: usize) -> Vec<(Self, Self)> {
        let (size, longer) = (self.len() / count, self.len() % count);
        let sizes = (0..count).map(|fold| size + usize::from(fold < longer)).enumerate();
        let fold_of: Vec<usize> = sizes.flat_map(|(fold, size)| std::iter::repeat_n(fold, size)).collect();
        self.leave_out_each(count, &fold_of)
    }

    /// The pairs (all but fold i, fold i), where `fold_of` is the fold of each position.
    fn leave_out_each(&self, count: usize, fold_of: &[usize]) -> Vec<(Self, Self)> {
        assert!(count <= self.len(), "{count} folds of {} images", self.len());
        let positions = || 0..self.len();
        let pair = |fold| {
            let rest = self.select(positions().filter(|&position| fold_of[position] != fold));
            (rest, self.select(positions().filter(|&position| fold_of[position] == fold)))
        };
        (0..count).map(pair).collect()
    }

    /// Divides the subset into a `share` of each class and the rest, whole groups each; both parts keep their order.
    ///
    /// Groups are taken by `rank`, the smallest first, as long as the class that most of a group's images are of needs more, and
    /// something of each class is left. A class with two images or more gives at least one, if its groups allow that.
    pub(crate) fn by_group(&self, share: f64, rank: impl Fn(u32) -> u64) -> (Self, Self) {
        let mut groups: Vec<Group> = self.grouped();
        groups.sort_by_cached_key(|group| (rank(group.id), group.id));
        let sizes: Vec<usize> = self.members().iter().map(Vec::len).collect();
        let quota = |size: usize| if size < 2 { 0 } else { ((size as f64 * share).round() as usize).max(1) };
        let quotas: Vec<usize> = sizes.iter().map(|&size| quota(size)).collect();
        let mut taken = vec![0; sizes.len()];
        let mut chosen = vec![false; self.len()];
        let mut take = |group: &Group, taken: &mut [usize], most: &dyn Fn(usize) -> usize| {
            let fits = taken[group.label] + group.counts[&group.label] <= most(group.label);
            let leaves_some = group.counts.iter().all(|(&label, count)| taken[label] + count < sizes[label]);
            if fits && leaves_some {
                group.counts.iter().for_each(|(&label, count)| taken[label] += count);
                group.positions.iter().for_each(|&position| chosen[position] = true);
            }
        };
        for group in &groups {
            take(group, &mut taken, &|label| quotas[label]);
        }
        // Where all groups are larger than what is wanted, the smallest.
        groups.sort_by_key(|group| group.positions.len());
        for group in &groups {
            if taken[group.label] == 0 && quotas[group.label] > 0 {
                take(group, &mut taken, &|_| usize::MAX);
            }
        }
        let part = |wanted| self.select((0..self.len()).filter(|&position| chosen[position] == wanted));
        (part(true), part(false))
    }

    /// Like [`by_group`](Self::by_group), groups being drawn by `seed`.
    pub(crate) fn by_drawn_group(&self, share: f64, seed: u64) -> (Self, Self) {
        self.by_group(share, |group| derive_seed(seed, u64::from(group)))
    }

    /// Like [`folds`](Self::folds), whole groups each: a group goes to the fold that has least of the class of most of its images.
    pub(crate) fn folds_by_group(&self, count: usize, seed: u64) -> Vec<(Self, Self)> {
        let mut groups = self.grouped();
        groups.sort_by_cached_key(|group| (derive_seed(seed, u64::from(group.id)), group.id));
        let mut fold_of = vec![0; self.len()];
        let mut dealt: Vec<(HashMap<usize, usize>, usize)> = vec![Default::default(); count];
        for group in groups {
            let fill =
                |fold: &usize| (dealt[*fold].0.get(&group.label).copied().unwrap_or(0), dealt[*fold].1);
            let fold = (0..count).min_by_key(fill).unwrap_or(0);
            for &position in &group.positions {
                fold_of[position] = fold;
                *dealt[fold].0.entry(self.label(position)).or_default() += 1;
            }
            dealt[fold].1 += group.positions.len();
        }
        self.leave_out_each(count, &fold_of)
    }

    /// The groups that images are of, each with its images.
    pub(crate) fn grouped(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut place: HashMap<u32, usize> = HashMap::new();
        for position in 0..self.len() {
            let id = self.group(position);
            let at = *place.entry(id).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Group { id, ..Group::default() });
            }
            groups[at].positions.push(position);
            *groups[at].counts.entry(self.label(position)).or_default() += 1;
        }
        for group in &mut groups {
            let most = group.counts.iter().max_by_key(|&(&label, &count)| (count, std::cmp::Reverse(label)));
            group.label = most.map_or(0, |(&label, _)| label);
        }
        groups
    }

    /// The positions of each class, up to the largest label that there is.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut members: Vec<Vec<usize>> = Vec::new();
        for position in 0..self.len() {
            let label = self.label(position);
            if label >= members.len() {
                members.resize_with(label + 1, Vec::new);
            }
            members[label].push(position);
        }
        members
    }
}

/// Hands out `count` seats in proportion to `sizes` (largest remainder).
fn apportion(count: usize, sizes: &[usize]) -> Vec<usize> {
    let total: usize = sizes.iter().sum::<usize>().max(1);
    let mut quotas: Vec<usize> = sizes.iter().map(|size| count * size / total).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by_key(|&label| (std::cmp::Reverse(count * sizes[label] % total), label));
    let missing = count - quotas.iter().sum::<usize>();
    for &label in by_remainder.iter().take(missing) {
        quotas[label] += 1;
    }
    quotas
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::images::{ImageShape, Images};
    use proptest::prelude::*;

    fn grouped(labels: Vec<u32>, groups: Option<Vec<u32>>) -> Subset {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let pixels = vec![0; labels.len()];
        Subset::all(Arc::new(Images::new(shape, pixels, labels).unwrap().grouped(groups)))
    }

    fn groups_of(subset: &Subset) -> std::collections::BTreeSet<u32> {
        (0..subset.len()).map(|position| subset.group(position)).collect()
    }

    #[test]
    fn largest_remainder_prefers_the_smaller_label() {
        assert_eq!(apportion(4, &[1, 1, 1, 1, 1]), [1, 1, 1, 1, 0]);
        assert_eq!(apportion(10, &[50, 30, 20]), [5, 3, 2]);
    }

    #[test]
    fn a_share_of_each_class_is_taken_in_the_order_of_ranks() {
        let whole = grouped(vec![0; 10].into_iter().chain(vec![1; 5]).collect(), None);
        let (taken, rest) = whole.by_group(0.2, |group| u64::from(100 - group));
        assert_eq!((taken.class_counts(2), rest.class_counts(2)), (vec![2, 1], vec![8, 4]));
        assert_eq!(groups_of(&taken).into_iter().collect::<Vec<_>>(), [8, 9, 14]);
        // Another image changes little.
        let more = grouped(vec![0; 11].into_iter().chain(vec![1; 5]).collect(), None);
        assert_eq!(more.by_group(0.2, u64::from).0.class_counts(2), [2, 1]);
    }

    #[test]
    fn a_class_of_one_group_stays_and_large_groups_are_taken_if_nothing_else_is_there() {
        let labels = vec![0, 0, 0, 0, 1, 1, 2];
        let whole = grouped(labels, Some(vec![0, 0, 1, 1, 2, 2, 3]));
        let (taken, rest) = whole.by_group(0.2, u64::from);
        assert_eq!((taken.class_counts(3), rest.class_counts(3)), (vec![2, 0, 0], vec![2, 2, 1]));
    }

    proptest! {
        #[test]
        fn groups_are_never_torn(
            images in proptest::collection::vec((0u32..4, 0u32..30), 2..200), share in 0.0..0.9f64, count in 2usize..6, seed: u64,
        ) {
            let (labels, groups): (Vec<u32>, Vec<u32>) = images.into_iter().unzip();
            let whole = grouped(labels, Some(groups));
            let (taken, rest) = whole.by_drawn_group(share, seed);
            prop_assert_eq!(taken.len() + rest.len(), whole.len());
            prop_assert!(groups_of(&taken).is_disjoint(&groups_of(&rest)));
            for (label, &size) in whole.class_counts(4).iter().enumerate() {
                prop_assert!(size == 0 || rest.class_counts(4)[label] > 0);
            }
            for (rest, fold) in whole.folds_by_group(count.min(whole.len()), seed) {
                prop_assert!(groups_of(&fold).is_disjoint(&groups_of(&rest)));
                prop_assert_eq!(fold.len() + rest.len(), whole.len());
            }
        }
    }
}
