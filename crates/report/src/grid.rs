//! Images in rows, with what there is to say about each.

use crate::canvas::Canvas;
use crate::picture::Picture;
use crate::primitives::{Anchor, Stroke, Text};
use crate::raster::Raster;
use crate::style::{LABEL, LEAST_WIDTH, MARGIN, NAME, RIGHT, WRONG};
use crate::words::{self, Heading};

const WIDEST_LABEL: f64 = 160.0;
const CAPTION: Text = Text { size: 10.5, anchor: Anchor::Middle, ..LABEL };
const CAPTION_HEIGHT: f64 = 16.0;
const FRAME: f64 = 2.5;

/// A picture of images: samples, neighbours, weights.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    /// What is seen.
    pub title: String,
    /// How to read it.
    pub notes: String,
    /// Images that belong together, from the top.
    pub rows: Vec<Row>,
    /// How many tiles at the start of each row are set apart from the others.
    pub apart: usize,
}

/// Images side by side.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What is written to the left of them; nothing if it is empty.
    pub label: String,
    /// The images; without one the row says "none".
    pub tiles: Vec<Tile>,
}

/// An image with its caption.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The image.
    pub image: Raster,
    /// What is written below it; nothing if it is empty.
    pub caption: String,
    /// Whether it is right.
    pub mark: Mark,
}

/// What the frame of an image says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: there is no frame.
    #[default]
    None,
    /// It is right: a green frame.
    Right,
    /// It is wrong: an orange frame.
    Wrong,
}

impl Row {
    /// Tiles in rows without labels, `columns` in each.
    #[must_use]
    pub fn wrap(tiles: &[Tile], columns: usize) -> Vec<Self> {
        let row = |tiles: &[Tile]| Self { label: String::new(), tiles: tiles.to_vec() };
        tiles.chunks(columns.max(1)).map(row).collect()
    }
}

impl Tile {
    /// An image with a caption, which may be empty, and no frame.
    #[must_use]
    pub fn new(image: Raster, caption: &str) -> Self {
        Self { image, caption: caption.into(), mark: Mark::None }
    }
}

/// Where everything is.
struct Layout {
    /// The width of the labels, with the room next to them.
    labels: f64,
    /// The side of the square that an image fills.
    side: f64,
    /// From one row to the next.
    row: f64,
    gap: f64,
    apart: usize,
}

impl Layout {
    fn new(grid: &Grid) -> Self {
        let tiles = || grid.rows.iter().flat_map(|row| &row.tiles);
        let has_captions = tiles().any(|tile| !tile.caption.is_empty());
        let has_frames = tiles().any(|tile| tile.mark != Mark::None);
        let widest = words::widest(grid.rows.iter().map(|row| row.label.as_str()), &NAME);
        let columns = grid.rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
        let most = match grid.rows.len() {
            0..=3 if columns <= 7 => 96.0,
            0..=12 => 64.0,
            // Captions need room.
            _ if has_captions => 64.0,
            13..=25 => 48.0,
            _ => 32.0,
        };
        let side = tiles().map(|tile| scale(&tile.image, most) * longest(&tile.image)).fold(0.0, f64::max);
        let gap = if has_frames { 10.0 } else { 6.0 };
        let caption = if has_captions { CAPTION_HEIGHT } else { 0.0 };
        Self {
            labels: if widest > 0.0 { widest.min(WIDEST_LABEL) + 10.0 } else { 0.0 },
            side,
            row: side + caption + gap,
            gap,
            apart: grid.apart,
        }
    }

    /// Where column `column` begins.
    fn column(&self, column: usize) -> f64 {
        let apart = if self.apart > 0 && column >= self.apart { 3.0 * self.gap } else { 0.0 };
        MARGIN + self.labels + column as f64 * (self.side + self.gap) + apart
    }

    fn width(&self, columns: usize) -> f64 {
        self.column(columns) - self.gap + MARGIN
    }
}

impl Grid {
    /// Draws the grid; the more rows, the smaller the images.
    #[must_use]
    pub fn draw(&self) -> Picture {
        let layout = Layout::new(self);
        let columns = self.rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
        let width = layout.width(columns.max(1)).max(LEAST_WIDTH);
        let heading = Heading::new(&self.title, &self.notes, width - 2.0 * MARGIN);
        let mut canvas = Canvas::default();
        heading.draw(&mut canvas, MARGIN, MARGIN);
        let mut top = MARGIN + heading.height();
        for row in &self.rows {
            row.draw(&mut canvas, &layout, top);
            top += layout.row;
        }
        canvas.finish(width, top - layout.gap + MARGIN)
    }
}

impl Row {
    fn draw(&self, canvas: &mut Canvas, layout: &Layout, top: f64) {
        let middle = top + 0.5 * layout.side;
        if !self.label.is_empty() {
            let label = Text { anchor: Anchor::End, ..NAME };
            let words = words::fitted(&self.label, &label, WIDEST_LABEL);
            canvas.text((MARGIN + layout.labels - 10.0, middle), &words, &label);
        }
        if self.tiles.is_empty() {
            canvas.text((layout.column(0), middle), "none", &LABEL);
        }
        for (column, tile) in self.tiles.iter().enumerate() {
            tile.draw(canvas, layout, (layout.column(column), top));
        }
    }
}

impl Tile {
    fn draw(&self, canvas: &mut Canvas, layout: &Layout, (left, top): (f64, f64)) {
        let scale = scale(&self.image, layout.side);
        let (width, height) = (scale * f64::from(self.image.width()), scale * f64::from(self.image.height()));
        let (right, down) = (0.5 * (layout.side - width), 0.5 * (layout.side - height));
        let area = (left + right, top + down, width, height);
        canvas.image(area, &self.image);
        match self.mark {
            Mark::None => {}
            Mark::Right => canvas.frame(area, Stroke::new(RIGHT, FRAME)),
            Mark::Wrong => canvas.frame(area, Stroke::new(WRONG, FRAME)),
        }
        if !self.caption.is_empty() {
            let words = words::fitted(&self.caption, &CAPTION, layout.side + layout.gap - 2.0);
            canvas.text(
                (left + 0.5 * layout.side, top + layout.side + 0.6 * CAPTION_HEIGHT),
                &words,
                &CAPTION,
            );
        }
    }
}

fn longest(image: &Raster) -> f64 {
    f64::from(image.width().max(image.height()))
}

/// How much larger an image is drawn to fill `side` pixels: a whole number of times, unless it is too large already.
fn scale(image: &Raster, side: f64) -> f64 {
    let times = side / longest(image);
    if times < 1.0 { times } else { times.floor() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rendered::rendered;

    fn red() -> Raster {
        Raster::new(&[[255; 16], [0; 16], [0; 16]].concat(), [3, 4, 4])
    }

    fn grid(rows: usize, tiles: usize) -> Grid {
        let row = |place| Row {
            label: format!("class {place}"),
            tiles: vec![Tile::new(red(), "a caption"); tiles],
        };
        Grid { title: "Images".into(), notes: "Some".into(), rows: (0..rows).map(row).collect(), apart: 0 }
    }

    #[test]
    fn every_tile_is_there() {
        let pixels = rendered(&grid(5, 7).draw());
        let red = pixels.pixels().filter(|pixel| pixel.0 == [255, 0, 0]).count();
        assert_eq!(red, 35 * 128 * 128, "64 pixels a side at 2×");
    }

    #[test]
    fn frames_say_what_is_right() {
        let mut grid = grid(1, 2);
        (grid.rows[0].tiles[0].mark, grid.rows[0].tiles[1].mark) = (Mark::Right, Mark::Wrong);
        let pixels = rendered(&grid.draw());
        let columns = |colour: [u8; 3]| {
            let found = pixels.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == colour);
            found.map(|(x, _, _)| x).max().expect("there is a frame")
        };
        assert!(columns(RIGHT.0) < columns(WRONG.0));
    }

    #[test]
    fn names_are_escaped_and_shortened() {
        let mut grid = grid(2, 1);
        grid.rows[0].label = "<&>".into();
        grid.rows[1].label = "very_".repeat(50);
        grid.rows[1].tiles[0].caption = "long ".repeat(50);
        grid.title = "a title of many words ".repeat(20);
        let picture = grid.draw();
        rendered(&picture);
        assert!(picture.svg().contains(">&lt;&amp;&gt;</text>") && picture.svg().contains('…'));
        assert!(picture.svg().starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"420\""));
    }

    #[test]
    fn any_number_of_rows_and_any_size() {
        rendered(&Grid { title: "Nothing".into(), ..Grid::default() }.draw());
        let empty = grid(2, 0).draw();
        rendered(&empty);
        assert_eq!(empty.svg().matches(">none</text>").count(), 2);
        rendered(&grid(100, 10).draw());
        for shape in [[1, 1, 1], [3, 2, 2], [3, 5, 3], [1, 300, 200]] {
            let image = Raster::new(&vec![0; shape.iter().product()], shape);
            let mut grid = grid(1, 1);
            grid.rows[0].tiles[0].image = image;
            rendered(&grid.draw());
        }
        assert_eq!(Row::wrap(&grid(1, 7).rows[0].tiles, 5).len(), 2);
    }

    #[test]
    fn tiles_that_are_set_apart_leave_room() {
        let width = |apart| {
            let grid = Grid { apart, ..grid(1, 6) };
            rendered(&grid.draw()).width()
        };
        assert_eq!(width(1) - width(0), 36);
    }
}
