import { defineMessage } from "../../message/index.ts";

const TEXT = { type: "string" } as const;
const COUNT = { type: "integer", minimum: 0 } as const;

/** Where packages are announced. */
export const FOUND_CHANNEL = "audit.packages.found";
/** Where readers and meters tell what they learned. */
const RESULT_CHANNELS = { licence: "audit.results.licence", size: "audit.results.size" } as const;

/** Asks the scanner for all packages under some folders. */
export const Scan = defineMessage(
  "audit.scan",
  {
    type: "object",
    properties: { folders: { type: "array", items: TEXT } },
    required: ["folders"],
    additionalProperties: false,
  },
  {
    reply: { type: "object", properties: { packages: COUNT }, required: ["packages"] },
    description: "Find all packages under these folders",
  },
);

/** A folder that holds a package. */
export const PackageFound = defineMessage(
  "audit.package.found",
  { type: "object", properties: { path: TEXT }, required: ["path"], additionalProperties: false },
  { channel: FOUND_CHANNEL, description: "A folder with a package.json" },
);

/** What a package says of itself. */
export const LicenceRead = defineMessage(
  "audit.licence.read",
  {
    type: "object",
    properties: { path: TEXT, name: TEXT, version: TEXT, licence: TEXT, family: TEXT },
    required: ["path", "name", "version", "licence", "family"],
    additionalProperties: false,
  },
  { channel: RESULT_CHANNELS.licence, description: "Name, version and licence of one package" },
);

/** How much room a package takes, nested packages left out. */
export const SizeMeasured = defineMessage(
  "audit.size.measured",
  {
    type: "object",
    properties: { path: TEXT, bytes: COUNT, files: COUNT },
    required: ["path", "bytes", "files"],
    additionalProperties: false,
  },
  { channel: RESULT_CHANNELS.size, description: "Bytes and files of one package" },
);

/** Tells the reporter that a package came to its worker a second time. */
export const RedeliveryNoted = defineMessage(
  "audit.redelivery.noted",
  {
    type: "object",
    properties: { path: TEXT, attempt: COUNT },
    required: ["path", "attempt"],
    additionalProperties: false,
  },
  { description: "A package was delivered again, after its worker had died" },
);

/** Asks somebody who knows licences what one licence means. */
export const ClassifyLicence = defineMessage(
  "audit.licence.classify",
  { type: "object", properties: { licence: TEXT }, required: ["licence"], additionalProperties: false },
  {
    reply: { type: "object", properties: { family: TEXT }, required: ["family"] },
    description: "Which family a licence belongs to",
  },
);

/** Tells the archivist of something worth a second look. */
export const OddityNoted = defineMessage(
  "audit.oddity.noted",
  {
    type: "object",
    properties: { kind: TEXT, subject: TEXT, detail: TEXT },
    required: ["kind", "subject", "detail"],
    additionalProperties: false,
  },
  { description: "Something worth a second look" },
);

/** Asks the archivist for all oddities it was told of. */
export const ListOddities = defineMessage(
  "audit.oddities.list",
  { type: "object", additionalProperties: false },
  {
    reply: {
      type: "object",
      properties: {
        waiting: COUNT,
        oddities: {
          type: "array",
          items: {
            type: "object",
            properties: { kind: TEXT, subject: TEXT, detail: TEXT },
            required: ["kind", "subject", "detail"],
          },
        },
      },
      required: ["waiting", "oddities"],
    },
    description: "All oddities noted so far",
  },
);

/** Tells everybody that an audit begins. */
export const AuditStarted = defineMessage(
  "audit.started",
  { type: "object", properties: { folder: TEXT }, required: ["folder"], additionalProperties: false },
  { priority: "high", description: "An audit begins" },
);
