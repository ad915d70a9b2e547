# The machine as it has booted.
