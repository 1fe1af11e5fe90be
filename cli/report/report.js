/*
 * report.js - stepping through the interleaving of `fairlead check --html`.
 *
 * The report is the JSON of `fairlead check --json`, in the element `report`. Nothing is asked of a server. All text
 * comes into the page as text, never as markup, for sources and arguments may contain anything.
 */
"use strict";

(function () {
	const report = JSON.parse(document.getElementById("report").textContent);
	const events = report.events || [];
	const threads = report.threads || [];
	const failed = !["none", "verified"].includes(report.verdict);
	let at = 0;

	function byId(id) {
		return document.getElementById(id);
	}

	function make(name, text, className) {
		const element = document.createElement(name);

		if (text !== undefined && text !== null)
			element.textContent = text;
		if (className)
			element.className = className;
		return element;
	}

	function threadName(id) {
		const thread = threads.find((one) => one.id === id);

		return "T" + id + (thread && thread.start && thread.start.function ? " " + thread.start.function : "");
	}

	/* What it did to memory; of other steps, the object says all. */
	const onMemory = new Set(["read", "write", "load", "store", "rmw", "cas", "exit", "sem_wait", "sem_post"]);

	function place(frame) {
		if (!frame)
			return "";
		if (!frame.file)
			return frame.function || frame.pc || "";
		return frame.file.split("/").pop() + ":" + frame.line;
	}

	/* The innermost frame of the program's author, or that has a line. */
	function best(stack) {
		const frames = stack || [];

		return frames.find((frame) => frame.own) || frames.find((frame) => frame.file) || frames[0];
	}

	function has(value) {
		return value !== undefined && value !== null;
	}

	function values(event) {
		if (has(event.result))
			return " = " + event.result;
		if (!onMemory.has(event.op))
			return "";
		if (has(event.old) && has(event.value))
			return " " + event.old + " \u2192 " + event.value;
		return has(event.value) ? " = " + event.value : "";
	}

	function what(event) {
		return event.op + (event.object ? " " + event.object : "") + values(event);
	}

	function fillHead() {
		const count = report.schedules;

		byId("verdict").textContent = report.verdict;
		byId("verdict").classList.toggle("none", !failed);
		byId("text").textContent = report.text || (failed ? report.verdict : "No schedule that was tried has failed.");
		byId("program").textContent = (report.program || []).join(" ");
		byId("search").textContent =
			count + (count === 1 ? " schedule" : " schedules") +
			(has(report.to_failure) && failed ? ", failed at number " + report.to_failure : "") +
			(has(report.seconds) ? ", " + report.seconds.toFixed(2) + " s" : "") +
			", seed " + report.seed + ", " + (report.model === "c11" ? "C11 memory" : "sequentially consistent memory") +
			((report.unseen || []).length ? ". Not built with -fsanitize=thread: " + report.unseen.join(", ") : "");
		byId("again").textContent = report.replay || "";
		document.title = report.verdict + " \u2013 fairlead check";
	}

	function cell(event) {
		const td = make("td", null, "does");
		const frame = best(event.stack);

		td.append(make("span", what(event), "what"), " ", make("span", place(frame), "line"));
		if (frame && frame.source)
			td.append(make("span", frame.source.trim(), "source"));
		return td;
	}

	function row(event, i) {
		const tr = make("tr");

		tr.append(make("td", event.n));
		for (const thread of threads)
			tr.append(thread.id === event.thread ? cell(event) : make("td"));
		tr.classList.toggle("switch", i > 0 && events[i - 1].thread !== event.thread);
		tr.classList.toggle("fails", failed && i === events.length - 1);
		tr.addEventListener("click", () => show(i));
		return tr;
	}

	function fillEvents() {
		const head = make("tr");
		const body = make("tbody");

		head.append(make("th", ""));
		for (const thread of threads)
			head.append(make("th", threadName(thread.id)));
		events.forEach((event, i) => body.append(row(event, i)));
		byId("events").append(make("thead"), body);
		byId("events").firstChild.append(head);
		byId("slider").max = Math.max(events.length - 1, 0);
		byId("way").hidden = events.length === 0;
	}

	/* What is known after step n, from the steps up to it. */
	function stateAt(n) {
		const last = new Map();
		const holders = new Map();
		const known = new Map();

		for (const event of events.slice(0, n + 1)) {
			const object = event.object || event.address;

			last.set(event.thread, event);
			if (["lock", "wrlock", "spinlock"].includes(event.op) && !has(event.result))
				holders.set(object, event.thread);
			else if (event.op === "unlock" || event.op === "wait")
				holders.delete(object);
			if (object && has(event.value) && onMemory.has(event.op))
				known.set(object, event.value);
		}
		return {last, holders, known};
	}

	function fillNow(state) {
		const table = byId("now");

		table.replaceChildren();
		for (const thread of threads) {
			const tr = make("tr");
			const event = state.last.get(thread.id);

			tr.append(make("td", threadName(thread.id)));
			tr.append(make("td", event ? what(event) + "  " + place(best(event.stack)) : "has not begun"));
			table.append(tr);
		}
	}

	function fillObjects(state) {
		const table = byId("objects");

		table.replaceChildren();
		for (const [object, holder] of state.holders)
			addRow(table, object, "held by T" + holder);
		for (const [object, value] of state.known)
			addRow(table, object, String(value));
	}

	function addRow(table, ...texts) {
		const tr = make("tr");

		texts.forEach((text) => tr.append(make("td", text)));
		table.append(tr);
	}

	function fillStack(list, stack) {
		list.replaceChildren();
		for (const frame of stack || []) {
			const item = make("li", (frame.function || frame.pc || "?") + " ");

			item.append(make("span", place(frame), "line"));
			list.append(item);
		}
	}

	/* The page is moved to the step unless it has just been opened: then the verdict is what comes first. */
	function show(i, opened) {
		const rows = byId("events").tBodies[0] ? byId("events").tBodies[0].rows : [];

		if (events.length === 0)
			return;
		at = Math.max(0, Math.min(i, events.length - 1));
		for (let j = 0; j < rows.length; j++) {
			rows[j].setAttribute("aria-selected", String(j === at));
			rows[j].classList.toggle("later", j > at);
		}
		byId("slider").value = at;
		byId("place").textContent = at + 1 + " of " + events.length;
		fillNow(stateAt(at));
		fillObjects(stateAt(at));
		fillStack(byId("stack"), events[at].stack);
		if (!opened)
			rows[at].scrollIntoView({block: "nearest"});
	}

	function waiting(thread) {
		const wait = thread.waits_for;
		const box = make("p");

		if (!wait) {
			box.textContent = threadName(thread.id) + ": " + thread.state;
			return box;
		}
		box.append(make("strong", threadName(thread.id)), " waits: " + wait.op + " " + (wait.object || wait.address || ""));
		if (has(wait.holder) && wait.holder >= 0)
			box.append(wait.op === "join" ? ", which has not ended" : ", held by T" + wait.holder +
				   (place(best(wait.held_at)) ? " since " + place(best(wait.held_at)) : ""));
		if (thread.lost && thread.lost.count > 0)
			box.append("; " + thread.lost.count + " sent while nobody waited, the last by T" + thread.lost.thread +
				   " at " + place(best(thread.lost.at)));
		return box;
	}

	function access(part) {
		const box = make("div");
		const list = make("ol", null, "stack");
		const kind = part.freed ? "free" : (part.atomic ? "atomic " : "") + (part.write ? "write" : "read");

		box.append(make("strong", "T" + part.thread + ": " + kind + " of " + part.size + " bytes " +
				(part.object || part.address)));
		fillStack(list, part.stack);
		box.append(list);
		return box;
	}

	function block(part) {
		const box = make("div");
		const parts = [["It is " + (part.offset ? "byte " + part.offset + " of " : "") + "a block of " + part.size +
				" bytes that T" + part.thread + " has allocated", part.stack]];

		if (has(part.freed_by))
			parts.push(["T" + part.freed_by + " has freed it", part.freed_at]);
		for (const [text, stack] of parts) {
			const list = make("ol", null, "stack");

			box.append(make("strong", text));
			fillStack(list, stack);
			box.append(list);
		}
		return box;
	}

	function fillEnd() {
		const end = byId("end");

		for (const part of (report.race && report.race.accesses) || [])
			end.append(access(part));
		if (report.block)
			end.append(block(report.block));
		for (const thread of threads)
			end.append(waiting(thread));
		byId("end-section").hidden = !end.firstChild;
	}

	function onKey(event) {
		const to = {ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: events.length - 1}[event.key];

		if (to === undefined || event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey)
			return;
		event.preventDefault();
		show(to);
	}

	byId("first").addEventListener("click", () => show(0));
	byId("back").addEventListener("click", () => show(at - 1));
	byId("next").addEventListener("click", () => show(at + 1));
	byId("last").addEventListener("click", () => show(events.length - 1));
	byId("slider").addEventListener("input", (event) => show(Number(event.target.value)));
	document.addEventListener("keydown", onKey);
	fillHead();
	fillEvents();
	fillEnd();
	show(events.length - 1, true);
})();
