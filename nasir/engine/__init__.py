"""The search itself: one loop over the interfaces of core, and what it evaluates and retries."""
