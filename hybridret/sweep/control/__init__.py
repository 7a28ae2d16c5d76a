"""What people do to a sweep from another shell: go on, stop, try again, tidy up. Each says what it did."""
