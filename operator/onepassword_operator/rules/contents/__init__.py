"""Items × recipe → the data of a Secret; pure."""
