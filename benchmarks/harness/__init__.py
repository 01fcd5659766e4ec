"""What every measurement needs: clips, children and their cost, machine, competitors, reports."""
