"""A module for each revision; one that was released is never changed."""
