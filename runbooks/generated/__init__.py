"""Generated: what the generator writes on a page, part by part, from an objective and the evidence of rehearsals."""
