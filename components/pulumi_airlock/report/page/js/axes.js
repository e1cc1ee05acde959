// Where rows and columns lie: in groups, with room for each group's name.

const ZOOMS = [16, 22, 30, 40];
const BAND = 24;
const GAP = 8;

/**
 * @typedef {{indexes: number[], starts: number[], groups: {label: string, start: number, end: number}[], size: number,
 *   placeOf: Map<number, number>}} Axis visible items in order, where each starts, and the groups that they form
 */

/**
 * @param {number[]} indexes
 * @param {(index: number) => string} label of an item's group
 * @param {number} step size of an item
 * @param {number} before room in front of each group
 * @returns {Axis}
 */
function layOut(indexes, label, step, before) {
  const byGroup = new Map();
  for (const index of indexes) {
    const name = label(index);
    if (!byGroup.has(name)) byGroup.set(name, []);
    byGroup.get(name).push(index);
  }
  /** @type {Axis} */
  const axis = { indexes: [], starts: [], groups: [], size: 0, placeOf: new Map() };
  let offset = 0;
  for (const [name, members] of byGroup) {
    const start = offset;
    offset += before;
    for (const index of members) {
      axis.placeOf.set(index, axis.indexes.length);
      axis.indexes.push(index);
      axis.starts.push(offset);
      offset += step;
    }
    axis.groups.push({ label: name, start, end: offset });
  }
  axis.size = offset;
  return axis;
}

/** @param {Axis} axis @param {number} offset @returns {number} the first item that ends behind an offset */
function firstAt(axis, offset, step = 0) {
  let low = 0;
  let high = axis.starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (axis.starts[middle] + step <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
