-- The device on which the folder of a file lay when it was last seen there (st_dev, decimal): what is missing from a mount point that is
-- empty was not deleted. NULL until it has been seen since.
ALTER TABLE files ADD COLUMN device TEXT;
