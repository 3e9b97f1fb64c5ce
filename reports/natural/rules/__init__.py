"""What each word of a text may mean. A rule returns how many words it took, 0 for none."""
