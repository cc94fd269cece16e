"""What a mat tells of a person over hours: turns, postures, and the pressure that each part of the body has borne."""
