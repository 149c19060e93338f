// Adds what npm leaves out of package-lock.json when the registry it asked lacks packages of other platforms:
// `npm ci` then refuses the lockfile on every machine. Run it after each change of dependencies made behind such a registry:
//   node .ci/complete-lockfile.mjs
// The entries have no integrity, because nobody could look; npm on such a platform fetches the named version.
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'sunos', 'aix', 'netbsd', 'openbsd'];
const MACHINES = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'arm', 'wasm32'];

const added = {};
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (lock.packages[place] !== undefined || added[place] !== undefined) continue;
    const words = name.slice(name.lastIndexOf('/') + 1).split('-');
    const os = SYSTEMS.find((system) => words.includes(system));
    const cpu = MACHINES.find((machine) => words.includes(machine));
    if (os === undefined || cpu === undefined || !/^\d/.test(version)) throw new Error(`what platform is ${name}@${version} for?`);
    const libc =
      words.includes('musl') || words.includes('musleabihf')
        ? ['musl']
        : os === 'linux' && words.some((word) => word.startsWith('gnu'))
          ? ['glibc']
          : undefined;
    added[place] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(libc ? { libc } : {}),
      license: entry.license,
      optional: true,
      os: [os],
    };
  }
}
lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${Object.keys(added).length} entries added`);
