/** What a keyword of JSON Schema holds. */
export type KeywordKind =
  | "schema"
  | "schemas"
  | "schema map"
  | "pattern map"
  | "texts"
  | "text map"
  | "type"
  | "text"
  | "number"
  | "positive"
  | "count"
  | "flag"
  | "list"
  | "pattern"
  | "reference"
  | "dialect"
  | "refused";

/** What each keyword of the standard holds. Others are annotations, which say nothing about a value. */
export const KEYWORDS: ReadonlyMap<string, KeywordKind> = new Map(
  Object.entries({
    schema:
      "not if then else items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties contentSchema",
    schemas: "allOf anyOf oneOf prefixItems",
    "schema map": "properties $defs definitions dependentSchemas",
    "pattern map": "patternProperties",
    texts: "required",
    "text map": "dependentRequired",
    type: "type",
    text: "format $comment title description $anchor $id contentEncoding contentMediaType",
    number: "minimum maximum exclusiveMinimum exclusiveMaximum",
    positive: "multipleOf",
    count: "minLength maxLength minItems maxItems minContains maxContains minProperties maxProperties",
    flag: "uniqueItems deprecated readOnly writeOnly",
    list: "enum",
    pattern: "pattern",
    reference: "$ref",
    dialect: "$schema",
    // Keywords of other versions, which this one would pass over without a word.
    refused: "$dynamicRef $recursiveRef $dynamicAnchor $recursiveAnchor $vocabulary dependencies additionalItems",
  } satisfies Record<KeywordKind, string>).flatMap(([kind, names]) =>
    names.split(" ").map((name) => [name, kind as KeywordKind] as const),
  ),
);
