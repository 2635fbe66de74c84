"""The trainings of a study: which there are, what each leaves behind, which are done."""
