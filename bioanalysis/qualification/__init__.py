"""Qualification at a laboratory: installation (iq), operation (oq), performance (pq), each with a report."""
