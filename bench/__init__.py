"""What is measured, and against what (`make bench`); what is broken on purpose (`make chaos`)."""
