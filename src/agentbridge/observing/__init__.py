"""Who hears of calls: observers and the log, what they are told, and how. Imported where somebody listens."""
