/** Whether two addresses are of one network, as far as people can be told: the same IPv4 address, or the same IPv6 /64. */
export function sameNetwork(a: string, b: string): boolean {
  const network = (address: string) => {
    if (!address.includes(':')) return address;
    const [head = '', tail] = address.split('::');
    const groups = head === '' ? [] : head.split(':');
    const last = tail === undefined || tail === '' ? [] : tail.split(':');
    while (tail !== undefined && groups.length + last.length < 8) groups.push('0');
    return [...groups, ...last].slice(0, 4).join(':');
  };
  return a !== '' && network(a) === network(b);
}
