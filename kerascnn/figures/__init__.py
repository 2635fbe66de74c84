"""From arrays to plots and one HTML page; no network is known here."""
