"""Installing several tarballs in the order that their content requires."""
