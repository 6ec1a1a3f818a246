import { betweenMarkers } from "./between-markers.ts";
import { errorsPage } from "./errors-page.ts";
import { guaranteesPage, promisesTable } from "./guarantees-table.ts";
import { roomsPicture } from "./rooms-picture.ts";

/** Pages that are written from the code, wholly or between markers: path, and its text from the text it has now. */
export const PAGES: Readonly<Record<string, (now: string) => string | Promise<string>>> = {
  "README.md": (now) => betweenMarkers(now, "guarantees", promisesTable()),
  "ARCHITECTURE.md": async (now) => betweenMarkers(now, "rooms", await roomsPicture()),
  "docs/errors.md": errorsPage,
  "docs/guarantees.md": guaranteesPage,
};
