"""Methods: one file each, and the file's name is the method's."""
