// Who may import whom in src/. A room is a folder of src/, or a file beside them; anything not listed is forbidden.
const base = ["internal", "errors.ts", "error-codes.ts", "package-version.ts"];
const contracts = [...base, "message", "broker", "store"];
const below = [...contracts, "delivery", "observe", "security", "registry", "state"];
const entry = ["connect.ts", "connect-options.ts", "connected-bus.ts", "observers.ts"];
const outside = [
  "migration",
  ...below,
  "bus",
  "agent",
  "task",
  "run",
  "memory",
  "config",
  "twins",
  "index.ts",
  ...entry,
];

export const rooms = {
  internal: [],
  "error-codes.ts": [],
  "package-version.ts": [],
  "errors.ts": ["error-codes.ts"],
  message: base,
  store: [...base, "message"],
  broker: [...base, "message", "store"],
  drivers: contracts,
  registry: contracts,
  state: contracts,
  delivery: contracts,
  security: contracts,
  observe: [...contracts, "registry"],
  bus: below,
  agent: [...below, "bus"],
  task: [...below, "bus", "agent"],
  run: [...below, "bus", "agent"],
  memory: [...below, "bus", "agent"],
  config: [...below, "bus", "agent"],
  migration: [...contracts, "registry", "drivers.ts"],
  twins: [...base, "message", "agent", "bus"],
  "drivers.ts": [...contracts, "drivers"],
  "connect-options.ts": [...below, "bus", "agent"],
  "observers.ts": [...below, "connect-options.ts"],
  "connected-bus.ts": [
    ...below,
    "bus",
    "agent",
    "task",
    "run",
    "memory",
    "config",
    "connect-options.ts",
    "observers.ts",
  ],
  "connect.ts": [...outside, "drivers.ts"],
  "index.ts": outside,
  // The test kit puts a bus together over the memory driver, and runs its suites on any driver.
  testing: [...outside, "drivers.ts", "drivers/memory"],
  gateway: outside,
  bridges: outside,
  cli: [...outside, "gateway", "bridges", "testing"],
};

/** Each client library, or any other package, and the one place of src/ that may import it. */
export const libraries = {
  ajv: "message/",
  msgpackr: "message/",
  "better-sqlite3": "drivers/sqlite/",
  pg: "drivers/postgres/",
  "@redis/client": "drivers/redis/",
  "@nats-io/transport-node": "drivers/nats/",
  amqplib: "drivers/rabbitmq/",
  "@viz-js/viz": "observe/",
  yaml: "config/",
  commander: "cli/",
  "fast-check": "testing/",
};

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
const place = (room) => `^src/${quoted(room)}${room.endsWith(".ts") ? "$" : "/"}`;

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `${room} may import ${allowed.join(", ") || "nothing"}; see ARCHITECTURE.md`,
  severity: "error",
  from: { path: place(room) },
  to: { path: "^src/", pathNot: [place(room), ...allowed.map(place)] },
}));

const libraryRules = Object.entries(libraries).map(([library, home]) => ({
  name: `library-${library}`,
  comment: `${library} is imported in src/${home} only`,
  severity: "error",
  from: { path: "^src/", pathNot: `^src/${quoted(home)}` },
  to: { path: `(^|/)node_modules/(@types/)?${quoted(library)}(/|$)` },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "known-rooms",
      comment: "a new folder or file in src/ gets its line in the table of rooms",
      severity: "error",
      from: { path: "^src/", pathNot: Object.keys(rooms).map(place) },
      to: {},
    },
    ...roomRules,
    {
      name: "one-driver-each",
      comment: "a driver never imports another driver; what they share lies beside them",
      severity: "error",
      from: { path: "^src/drivers/([^/]+)/" },
      to: {
        path: "^src/drivers/",
        pathNot: ["^src/drivers/$1/", "^src/drivers/((supervisor|machine|certificates)\\.ts$|ledger/)"],
      },
    },
    {
      name: "drivers-are-lazy",
      comment: "a driver is loaded when its URL scheme is first used",
      severity: "error",
      from: { path: "^src/drivers\\.ts$" },
      to: { path: "^src/drivers/", dynamic: false },
    },
    ...libraryRules,
    {
      name: "known-libraries",
      comment: "a new package gets its line in the table of libraries",
      severity: "error",
      from: { path: "^src/" },
      to: {
        dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer", "npm-no-pkg", "npm-unknown"],
        pathNot: Object.keys(libraries).map((library) => `(^|/)node_modules/(@types/)?${quoted(library)}(/|$)`),
      },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      comment: "a file that nothing imports and that imports nothing",
      severity: "error",
      from: { orphan: true, pathNot: ["\\.config\\.ts$", "^test/.*\\.test\\.ts$"] },
      to: {},
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "tests-on-any-sqlite",
      comment:
        "tests run with every client library: test/support/database-file.ts opens a file with the one that is there",
      severity: "error",
      from: { path: "^test/" },
      to: { path: "(^|/)node_modules/(@types/)?better-sqlite3(/|$)" },
    },
    {
      name: "no-tests-in-src",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|examples|scripts)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    builtInModules: { add: ["node:sqlite"] }, // unknown to Node 20, and loaded only where it is there
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
    reporterOptions: { dot: { collapsePattern: "^src/(drivers/[^/]+|[^/]+)" } },
  },
};
