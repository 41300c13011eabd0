-- The latest reviews of all hospitals, for the home page.
CREATE INDEX reviews_latest ON reviews (month, id);
