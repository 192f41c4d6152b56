"""diffrt and Mitsuba 3 side by side; see docs/performance.md for what is measured and how."""
