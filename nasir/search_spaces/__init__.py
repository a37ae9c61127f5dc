"""The search spaces, a folder for each paper, and the cells that HiNAS and IR-NAS share."""
