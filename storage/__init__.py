"""Every table of the app. Only this package imports `azure.data.tables`."""
