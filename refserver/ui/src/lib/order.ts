/** The order of collections of documents before the reader chooses. */
export const newest = { path: 'transaction_date', orderby: 'transaction_date desc' };

/** The order after a click on a column: rising, falling, and back to the usual one. */
export function nextOrder(path: string, orderby: string, usual: string): string {
  const [by, direction] = orderby.split(' ');
  if (by !== path) return `${path} asc`;
  if (direction !== 'desc') return `${path} desc`;
  return usual.startsWith(`${path} `) ? `${path} asc` : usual;
}
