"""Records: what was done, by whom and why; what stands now; whether both are still what they were."""
