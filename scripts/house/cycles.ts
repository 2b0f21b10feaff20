/**
 * A cycle of a graph given as each node's successors: the nodes along it, the last of which leads back to the first;
 * undefined when there is none. A node that leads to itself is a cycle of one.
 */
export function findCycle<Node>(graph: ReadonlyMap<Node, readonly Node[]>): Node[] | undefined {
  const finished = new Set<Node>();
  const path: Node[] = [];

  const visit = (node: Node): Node[] | undefined => {
    if (path.includes(node)) return path.slice(path.indexOf(node));
    if (finished.has(node)) return undefined;
    path.push(node);
    for (const successor of graph.get(node) ?? []) {
      const cycle = visit(successor);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    finished.add(node);
    return undefined;
  };

  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
