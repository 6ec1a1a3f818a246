import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connect } from "agentwire";
import { afterEach, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { EngineName } from "../../scripts/servers/engines.ts";
import { describeWithServers } from "../support/servers.ts";

const FOLDER = fileURLToPath(new URL("../../deploy/", import.meta.url));
const ENGINES: readonly EngineName[] = ["nats", "postgres", "rabbitmq", "redis"];
const PORTS: Readonly<Record<EngineName, number>> = { redis: 6379, postgres: 5432, nats: 4222, rabbitmq: 5672 };
/** An image with its whole version. */
const PINNED = /^[a-z]+:\d+\.\d+\.\d+-alpine$|^postgres:\d+\.\d+-alpine$/;

/** What of a Compose file is looked at. */
interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly restart: string;
        readonly command?: readonly string[];
        readonly environment: Readonly<Record<string, string>>;
        readonly configs?: readonly { readonly source: string }[];
        readonly ports: readonly string[];
        readonly volumes: readonly string[];
        readonly stop_grace_period: string;
        readonly healthcheck: { readonly test: readonly string[]; readonly retries: number };
      }
    >
  >;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs?: Readonly<Record<string, { readonly content: string }>>;
}

type Named = { readonly name: string };

/** What of a Kubernetes object is looked at. */
interface Manifest {
  readonly kind: string;
  readonly metadata: Named;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly serviceName?: string;
    readonly ports?: readonly { readonly port: number }[];
    readonly selector: { readonly matchLabels?: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly {
          readonly image: string;
          readonly command?: readonly string[];
          readonly args?: readonly string[];
          readonly env: readonly (Named & {
            readonly value?: string;
            readonly valueFrom?: { readonly secretKeyRef: Named };
          })[];
          readonly volumeMounts: readonly (Named & { readonly subPath?: string })[];
          readonly resources: { readonly requests: object; readonly limits: { readonly memory: string } };
          readonly startupProbe?: object;
          readonly readinessProbe?: object;
          readonly livenessProbe?: object;
        }[];
        readonly volumes?: readonly (Named & { readonly configMap: Named })[];
      };
    };
    readonly volumeClaimTemplates: readonly { readonly metadata: Named }[];
  };
}

const compose = (engine: EngineName): Compose =>
  parse(readFileSync(`${FOLDER}compose/${engine}.yaml`, "utf8"), { strict: true });

function manifests(engine: EngineName): { set: Manifest; service: Manifest; config: Manifest | undefined } {
  const documents = parseAllDocuments(readFileSync(`${FOLDER}kubernetes/${engine}.yaml`, "utf8"));
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  const all = documents.map((document) => document.toJS() as Manifest);
  const of = (kind: string): Manifest | undefined => all.find((one) => one.kind === kind);
  return { set: of("StatefulSet") as Manifest, service: of("Service") as Manifest, config: of("ConfigMap") };
}

/** Everything that decides how the server of a file runs. */
function commands(engine: EngineName): { compose: string; kubernetes: string } {
  const { services, configs } = compose(engine);
  const { set, config } = manifests(engine);
  const [container] = set.spec.template.spec.containers;
  return {
    compose: [...(services[engine]?.command ?? []), ...Object.values(configs ?? {}).map(({ content }) => content)]
      .join(" ")
      .replaceAll("$$", "$"),
    kubernetes: [...(container?.command ?? []), ...(container?.args ?? []), ...Object.values(config?.data ?? {})].join(
      " ",
    ),
  };
}

it("has one file of each kind for each engine", () => {
  for (const kind of ["compose", "kubernetes"])
    expect(readdirSync(FOLDER + kind).sort()).toEqual(ENGINES.map((engine) => `${engine}.yaml`));
});

describe.each(ENGINES)("%s", (engine) => {
  it("under Compose is pinned, kept, watched, for this machine alone, and has no password of its own", () => {
    const { services, volumes, configs = {} } = compose(engine);
    expect(Object.keys(services)).toEqual([engine]);
    const service = services[engine] as Compose["services"][string];
    expect(service.image).toMatch(PINNED);
    expect(service).toMatchObject({ restart: "unless-stopped", stop_grace_period: expect.stringMatching(/^[3-6]0s$/) });
    expect(service.ports).toEqual([`127.0.0.1:${PORTS[engine]}:${PORTS[engine]}`]);
    expect(service.volumes.map((volume) => volume.split(":")[0])).toEqual(Object.keys(volumes));
    expect((service.configs ?? []).map(({ source }) => source)).toEqual(Object.keys(configs));
    expect(service.healthcheck.test[0]).toBe("CMD-SHELL");
    for (const [name, value] of Object.entries(service.environment))
      if (/PASS|AUTH/.test(name)) expect(value).toMatch(/^\$\{[A-Z]+_PASSWORD:\?/);
  });

  it("under Kubernetes is pinned, kept, probed, bounded, not root, and takes its password from a secret", () => {
    const { set, service, config } = manifests(engine);
    const name = `agentwire-${engine}`;
    expect([set.metadata.name, service.metadata.name, set.spec.serviceName]).toEqual([name, name, name]);
    expect(service.spec.selector).toEqual(set.spec.template.metadata.labels);
    expect(set.spec.selector.matchLabels).toEqual(set.spec.template.metadata.labels);
    expect(service.spec.ports?.map(({ port }) => port)).toEqual([PORTS[engine]]);
    const { containers, securityContext, volumes = [] } = set.spec.template.spec;
    expect(securityContext.runAsNonRoot).toBe(true);
    expect(containers).toHaveLength(1);
    const [container] = containers as [(typeof containers)[number]];
    expect(container.image).toBe(compose(engine).services[engine]?.image);
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"] as const)
      expect(container[probe], probe).toBeDefined();
    expect(container.resources.limits.memory).toMatch(/Gi$/);
    expect(container.volumeMounts.map((mount) => mount.name)).toEqual([
      ...set.spec.volumeClaimTemplates.map(({ metadata }) => metadata.name),
      ...volumes.map((volume) => volume.name),
    ]);
    for (const { configMap } of volumes) expect(configMap.name).toBe(config?.metadata.name);
    for (const { subPath } of container.volumeMounts) if (subPath) expect(config?.data).toHaveProperty([subPath]);
    const secrets = container.env.filter((variable) => /PASS|AUTH/.test(variable.name));
    expect(secrets.length).toBeGreaterThan(0);
    for (const { value, valueFrom } of secrets)
      expect([value, valueFrom?.secretKeyRef.name]).toEqual([undefined, name]);
  });

  it("runs alike under both", () => {
    const { compose: one, kubernetes: other } = commands(engine);
    const settings = (text: string): string[] =>
      text.split(/\s+/).filter((word) => /\w/.test(word) && !/^http|8222/.test(word));
    expect(settings(one)).toEqual(settings(other));
  });
});

it("sets what the promises of NATS and RabbitMQ rest on", () => {
  expect(commands("nats").compose).toContain('sync_interval: "always"');
  expect(compose("nats").services["nats"]?.image).toMatch(/^nats:2\.1\d\./);
  expect(commands("rabbitmq").compose).toContain("disk_free_limit.absolute");
});

const READ: Readonly<Partial<Record<EngineName, RegExp>>> = {
  redis: /--(\S+) (\S+)/g,
  postgres: /-c (\w+)=(\w+)/g,
};

for (const [engine, setting] of Object.entries(READ) as [EngineName, RegExp][]) {
  describeWithServers(engine, `${engine} with the settings of its files`, (start) => {
    const buses: { close(): Promise<void> }[] = [];
    afterEach(() => Promise.all(buses.splice(0).map((bus) => bus.close())));

    it("promises the class power", async () => {
      const settings = Object.fromEntries(
        [...commands(engine).compose.matchAll(setting)]
          .map(([, name, value]) => [name as string, value === "''" ? "" : (value as string)] as const)
          .filter(([name]) => name !== "requirepass"),
      );
      expect(Object.keys(settings).length).toBeGreaterThan(2);
      const server = await start({ password: "secret", settings });
      const bus = await connect(server.url, { logger: false, require: "power" });
      buses.push(bus);
      expect(bus.guarantees()).toMatchObject({ driver: engine, durability: { class: "power" } });
    });
  });
}
