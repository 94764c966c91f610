"""What all commands share: folder, files, locks, interrupts, terminal."""
