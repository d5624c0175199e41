"""From what a caller says to what will be sent: joined, checked, and refused where it must be, before anything leaves."""
