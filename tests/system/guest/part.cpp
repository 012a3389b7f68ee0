// A library of the user's own, beside the program.
int part_value();
int part_value() { return 42; }
