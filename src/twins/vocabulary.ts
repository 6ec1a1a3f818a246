import { defineMessage } from "../message/define-message.ts";

const TEXT = { type: "string", minLength: 1 } as const;
const TEXTS = { type: "array", items: TEXT } as const;
const SHARE = { type: "number", minimum: 0, maximum: 1 } as const;
const TIME = { type: "string", format: "date-time" } as const;
const URGENCY = { type: "string", enum: ["critical", "high", "normal", "low", "background"] } as const;

/** A plan: what is to be reached, and by when. */
export const Roadmap = defineMessage(
  "twins.roadmap",
  {
    type: "object",
    properties: {
      title: TEXT,
      goals: TEXTS,
      milestones: {
        type: "array",
        items: { type: "object", properties: { title: TEXT, due: TIME }, required: ["title"] },
      },
    },
    required: ["title", "goals"],
  },
  { description: "A plan: what is to be reached, and by when" },
);

/** Work for somebody. */
export const TaskAssignment = defineMessage(
  "twins.task.assignment",
  {
    type: "object",
    properties: { task: TEXT, title: TEXT, description: TEXT, due: TIME, urgency: URGENCY },
    required: ["task", "title"],
  },
  { description: "Work for somebody" },
);

/** How far a task is. */
export const TaskUpdate = defineMessage(
  "twins.task.update",
  {
    type: "object",
    properties: {
      task: TEXT,
      status: {
        type: "string",
        enum: ["pending", "assigned", "running", "completed", "failed", "cancelled", "blocked"],
      },
      progress: SHARE,
      note: TEXT,
    },
    required: ["task", "status"],
  },
  { description: "How far a task is" },
);

/** Somebody cannot go on with a task. */
export const TaskHelp = defineMessage(
  "twins.task.help",
  { type: "object", properties: { task: TEXT, problem: TEXT, tried: TEXTS }, required: ["task", "problem"] },
  {
    reply: { type: "object", properties: { advice: TEXT }, required: ["advice"] },
    description: "Somebody cannot go on with a task",
  },
);

/** Asks for what somebody knows. */
export const KnowledgeRequest = defineMessage(
  "twins.knowledge.request",
  { type: "object", properties: { question: TEXT, topics: TEXTS }, required: ["question"] },
  {
    reply: { type: "object", properties: { answer: TEXT, sources: TEXTS, confidence: SHARE }, required: ["answer"] },
    description: "Asks for what somebody knows",
  },
);

/** What somebody has found out. */
export const Insights = defineMessage(
  "twins.insights",
  {
    type: "object",
    properties: { topic: TEXT, insights: TEXTS, confidence: SHARE, sources: TEXTS },
    required: ["topic", "insights"],
  },
  { description: "What somebody has found out" },
);

/** Asks for a judgement on a piece of work. */
export const ReviewRequest = defineMessage(
  "twins.review.request",
  { type: "object", properties: { subject: TEXT, content: TEXT, criteria: TEXTS }, required: ["subject", "content"] },
  {
    reply: {
      type: "object",
      properties: { approved: { type: "boolean" }, comments: TEXTS },
      required: ["approved", "comments"],
    },
    description: "Asks for a judgement on a piece of work",
  },
);

/** What somebody thinks of a piece of work. */
export const Feedback = defineMessage(
  "twins.feedback",
  { type: "object", properties: { subject: TEXT, text: TEXT, rating: SHARE }, required: ["subject", "text"] },
  { description: "What somebody thinks of a piece of work" },
);

/** What others should know to understand a subject. */
export const ContextShared = defineMessage(
  "twins.context",
  { type: "object", properties: { subject: TEXT, facts: TEXTS, links: TEXTS }, required: ["subject", "facts"] },
  { description: "What others should know to understand a subject" },
);

/** Invites to talk something over. */
export const Meeting = defineMessage(
  "twins.meeting",
  {
    type: "object",
    properties: { subject: TEXT, agenda: TEXTS, at: TIME, participants: TEXTS },
    required: ["subject"],
  },
  {
    reply: { type: "object", properties: { accepted: { type: "boolean" }, note: TEXT }, required: ["accepted"] },
    description: "Invites to talk something over",
  },
);

/** How somebody's work is going. */
export const Status = defineMessage(
  "twins.status",
  {
    type: "object",
    properties: { summary: TEXT, doing: TEXTS, blocked: TEXTS, figures: { type: "object" } },
    required: ["summary"],
  },
  { description: "How somebody's work is going" },
);

/** Something went wrong. */
export const ErrorReport = defineMessage(
  "twins.error.report",
  {
    type: "object",
    properties: {
      what: TEXT,
      code: TEXT,
      task: TEXT,
      severity: { type: "string", enum: ["low", "medium", "high", "critical"] },
    },
    required: ["what", "severity"],
  },
  { priority: "high", description: "Something went wrong" },
);

/** Brings the work of several into step. */
export const Coordination = defineMessage(
  "twins.coordination",
  {
    type: "object",
    properties: {
      topic: TEXT,
      action: { type: "string", enum: ["propose", "agree", "object", "inform", "start", "stop"] },
      detail: TEXT,
    },
    required: ["topic", "action"],
  },
  { description: "Brings the work of several into step" },
);
