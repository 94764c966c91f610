"""Pages that people read: a Document in, one offline HTML file out. What stands on a page is decided by each verb."""
