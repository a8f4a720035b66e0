//! The figures: what was measured, what is asked, and whether it holds.

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
}

struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// The bound, where one is asked.
    bound: Option<Bound>,
}

/// What is asked of a figure.
#[derive(Clone, Copy)]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Report {
    /// Keeps a figure that informs only.
    pub fn add(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name, value, unit, bound: None });
    }

    /// Keeps a figure that something is asked of.
    pub fn ask(&mut self, name: &'static str, value: f64, unit: &'static str, bound: Bound) {
        self.figures.push(Figure { name, value, unit, bound: Some(bound) });
    }

    /// Whether every figure is within its bound.
    pub fn holds(&self) -> bool {
        self.figures.iter().all(Figure::holds)
    }

    /// Prints a table, or JSON.
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            let figures: Vec<_> = self.figures.iter().map(Figure::to_json).collect();
            println!("{}", serde_json::to_string_pretty(&figures)?);
            return Ok(());
        }
        for figure in &self.figures {
            let asked = figure.bound.map(|bound| match bound {
                Bound::AtMost(most) => format!("at most {most}"),
                Bound::AtLeast(least) => format!("at least {least}"),
            });
            let verdict = if figure.holds() { "" } else { "  MISSED" };
            let Figure { name, value, unit, .. } = figure;
            println!("{name:58} {value:>12.2} {unit:10} {}{verdict}", asked.unwrap_or_default());
        }
        Ok(())
    }
}

impl Figure {
    fn holds(&self) -> bool {
        match self.bound {
            None => true,
            Some(Bound::AtMost(most)) => self.value <= most,
            Some(Bound::AtLeast(least)) => self.value >= least,
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let bound = self.bound.map(|bound| match bound {
            Bound::AtMost(most) => serde_json::json!({ "at_most": most }),
            Bound::AtLeast(least) => serde_json::json!({ "at_least": least }),
        });
        serde_json::json!({
            "name": self.name, "value": self.value, "unit": self.unit, "asked": bound, "holds": self.holds(),
        })
    }
}
