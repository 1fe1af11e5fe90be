/*
 * page.js - the hub's page: asks /status every second and keeps one card a stream, which shows the stream's pictures.
 *
 * `clock`: what time it is at the hub, which latencies are measured against. A Viewer fetches and draws the pictures of
 * a stream, its Meter knows what was drawn lately, its Card says all of it. `page` polls /status and keeps the cards.
 *
 * Rules that hold everywhere:
 * 1. What comes from outside becomes text (textContent), never markup. The content security policy forbids the rest.
 * 2. A message is acknowledged when its picture was drawn in a frame of the browser, or was given up. So the hub sends
 *    no more than this browser shows, and a slow browser costs pictures but gets no older ones.
 * 3. A picture that nobody can see has no socket: the hub then encodes nothing for it.
 * 4. Elements are made once and changed in place, so that what is open, focused or selected stays so.
 */

const POLL = 1000; /* ms between two questions to /status */
const PATIENCE = 5000; /* ms until an answer, or a picture that should come, counts as lost */
const TICK = 500; /* ms between two looks at the measured figures */
const HEADER = 48; /* bytes before the JPEG, as far as this version knows the header */
const RETRY_FIRST = 500, RETRY_MOST = 8000; /* ms until a socket is opened anew */

/* ---- text ---- */

const NONE = "–";
const count = (n) => n == null ? NONE : n.toLocaleString("en");
const milliseconds = (n) => n == null ? NONE : `${n.toFixed(n < 99.95 ? 1 : 0)} ms`;
const rate = (n) => n == null ? NONE : `${n.toFixed(1)} fps`;

function bytes(n) {
	const units = ["B", "kB", "MB", "GB"];
	const power = Math.min(3, Math.floor(Math.log10(Math.max(1, n)) / 3));
	return n == null ? NONE : `${(n / 1000 ** power).toFixed(power ? 1 : 0)}\u00a0${units[power]}`;
}

function duration(s) {
	if (s == null || s < 1)
		return s == null ? NONE : `${Math.max(0, Math.round(s * 1000))} ms`;
	const parts = [[s / 86400, "d"], [s / 3600 % 24, "h"], [s / 60 % 60, "m"], [s % 60, "s"]];
	const first = parts.findIndex(([n]) => n >= 1);
	return parts.slice(first, first + 2).map(([n, unit]) => `${Math.floor(n)} ${unit}`).join(" ");
}

const list = (...parts) => parts.filter(Boolean).join(" · ");
const field = (root, name) => root.querySelector(`[data-field="${name}"]`);

/* An unchanged text is not set again, which would undo a selection of it. */
function set(node, value) {
	if (node.textContent !== value)
		node.textContent = value;
}

function fillFields(root, texts) {
	for (const [name, text] of Object.entries(texts))
		set(field(root, name), text);
}

/* Sets the text of a line that is there only if it says something. */
function say(node, value) {
	set(node, value || "");
	node.hidden = !value;
}

/* Makes the children of node as many as wanted, without touching those that stay. */
function resize(node, wanted, make) {
	while (node.children.length > wanted)
		node.lastElementChild.remove();
	while (node.children.length < wanted)
		make();
}

function fillTable(body, rows, empty) {
	const columns = body.parentNode.tHead.rows[0].cells.length;
	const texts = rows.length ? rows : [[empty]];
	resize(body, texts.length, () => body.insertRow());
	texts.forEach((row, i) => {
		resize(body.rows[i], row.length, () => body.rows[i].insertCell());
		body.rows[i].cells[0].colSpan = row.length === 1 ? columns : 1;
		row.forEach((text, j) => set(body.rows[i].cells[j], text));
	});
}

/* Pairs are [name, value]; each stands in a <div> of its own. */
function fillList(node, pairs) {
	resize(node, pairs.length, () => {
		const pair = node.appendChild(document.createElement("div"));
		pair.append(document.createElement("dt"), document.createElement("dd"));
	});
	pairs.forEach((pair, i) => pair.forEach((text, j) => set(node.children[i].children[j], text)));
	node.hidden = pairs.length === 0;
}

/* ---- the hub's clock ---- */

const clock = {
	samples: [],
	offset: 0,
	here: () => performance.timeOrigin + performance.now(), /* ms since 1970; does not jump */
	hub: () => clock.here() + clock.offset,

	/*
	 * The hub said `hub` between `asked` and `answered`. The quickest of the last answers errs least. One that
	 * contradicts it means that a clock was set, or that this machine slept: forget what was known before.
	 */
	learn(asked, answered, hub) {
		const sample = { offset: hub - (asked + answered) / 2, error: (answered - asked) / 2 };
		let best = this.samples.reduce((a, b) => b.error < a.error ? b : a, sample);
		if (Math.abs(best.offset - sample.offset) > best.error + sample.error + 2)
			this.samples = [best = sample];
		else
			this.samples = [...this.samples.slice(-15), sample];
		this.offset = best.offset;
	},
};

/* ---- what is measured ---- */

class Meter {
	#drawn = []; /* { at, latency }, those of the last second, and always the last two */

	add(at, latency) {
		this.#drawn.push({ at, latency });
		while (this.#drawn.length > 2 && this.#drawn[0].at < at - 1000)
			this.#drawn.shift();
	}

	/* When the next frame is overdue, the time since counts too: the rate falls now, not when that frame comes. */
	fps() {
		const n = this.#drawn.length - 1;
		if (n < 1)
			return 0;
		const span = this.#drawn[n].at - this.#drawn[0].at;
		const late = Math.max(0, performance.now() - this.#drawn[n].at - 1.5 * span / n);
		return n * 1000 / (span + late);
	}

	latency() {
		const since = Math.min(performance.now() - 1000, this.#drawn.at(-1)?.at);
		const recent = this.#drawn.filter((one) => one.at >= since && one.latency != null);
		return recent.sort((a, b) => a.latency - b.latency)[recent.length >> 1]?.latency ?? null;
	}
}

/* Takes the frame message apart; throws if it is none. Its header may be longer than the one known here. */
function parse(buffer) {
	const view = new DataView(buffer);
	const size = view.getUint16(4, true);
	if (view.getUint32(0, false) !== 0x464c4631 || size < HEADER)
		throw new Error("not a frame message");
	return {
		missed: view.getUint32(20, true),
		captured: Number(view.getBigInt64(32, true)) / 1000,
		picture: new Blob([new Uint8Array(buffer, size)], { type: "image/jpeg" }),
	};
}

/* ---- the pictures of a stream ---- */

class Viewer {
	missed = 0;
	problem = "";
	state = "off"; /* off, connecting, live, reconnecting */
	meter = new Meter();
	#path; #canvas; #context; #changed;
	#wanted = false;
	#socket = null;
	#timer = 0;
	#wait = RETRY_FIRST;
	#arrived = 0; /* messages, ever */
	#shown = 0; /* which of them is drawn or waits to be */
	#heard = 0; /* when the last one came */
	#decoding = 0;
	#first = true; /* nothing was drawn from this socket yet */
	#drawn = false; /* the canvas has a picture */
	#next = null; /* decoded, to be drawn in the browser's next frame */

	constructor(name, canvas, changed) {
		this.#path = `out/${encodeURIComponent(name)}?window=2`;
		this.#canvas = canvas;
		this.#context = canvas.getContext("2d", { alpha: false });
		this.#changed = changed;
	}

	want(wanted) {
		if (wanted === this.#wanted)
			return;
		this.#wanted = wanted;
		this.#wait = RETRY_FIRST;
		wanted ? this.#open() : this.#close("off");
	}

	/* Does not wait for the back-off: the hub was just heard of. */
	hurry() {
		this.#wait = RETRY_FIRST;
		if (this.state === "reconnecting" && !this.#socket)
			this.#open();
	}

	/* A socket whose other end vanished without a word stays open for many minutes. True if this one looks so. */
	silent() {
		const busy = this.#decoding || this.#next;
		return this.state === "live" && !busy && performance.now() - this.#heard > PATIENCE;
	}

	retry() {
		this.#close("reconnecting");
		this.#timer = setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2));
		this.#wait = Math.min(this.#wait * 2, RETRY_MOST);
	}

	#open() {
		clearTimeout(this.#timer);
		const url = new URL(this.#path, location.href).href.replace(/^http/, "ws");
		const socket = this.#socket = new WebSocket(url);
		this.#first = true;
		socket.binaryType = "arraybuffer";
		socket.onopen = () => {
			this.#heard = performance.now();
			this.#become("live");
		};
		socket.onmessage = (event) => this.#receive(socket, event.data);
		socket.onclose = () => socket === this.#socket && this.retry();
		if (this.state === "off")
			this.#become("connecting");
	}

	#close(state) {
		clearTimeout(this.#timer);
		const socket = this.#socket;
		this.#socket = null; /* first, so that its close is not taken for the hub's */
		socket?.close();
		this.#next?.bitmap.close();
		this.#next = null;
		this.meter = new Meter();
		this.#become(state);
	}

	#become(state) {
		this.state = state;
		this.#changed();
	}

	#acknowledge(socket, bitmap) {
		bitmap?.close();
		if (socket.readyState === WebSocket.OPEN)
			socket.send("ack");
	}

	async #receive(socket, data) {
		const number = ++this.#arrived;
		let frame, bitmap;
		this.#heard = performance.now();
		this.#decoding++;
		try {
			frame = parse(data);
			bitmap = await createImageBitmap(frame.picture);
			this.problem = "";
		} catch (error) {
			this.problem = `A picture could not be shown: ${error.message}`;
		}
		this.#decoding--;
		if (socket !== this.#socket)
			return bitmap?.close();
		this.#wait = RETRY_FIRST;
		this.missed += frame?.missed ?? 0;
		if (bitmap && number > this.#shown)
			return this.#schedule({ socket, number, bitmap, captured: frame.captured });
		this.#skip({ socket, bitmap }); /* damaged, or overtaken by a newer one while both were decoded */
	}

	/* Pictures are drawn when the browser paints; of two that came since, only the newer one. */
	#schedule(frame) {
		if (this.#next)
			this.#skip(this.#next);
		else
			requestAnimationFrame(() => this.#next && this.#draw());
		this.#next = frame;
		this.#shown = frame.number;
	}

	#skip({ socket, bitmap }) {
		this.missed++;
		this.#acknowledge(socket, bitmap);
	}

	/* The first picture of a socket is the last one that there was: it may be old, and says nothing of latency. */
	#draw() {
		const { socket, bitmap, captured } = this.#next;
		this.#next = null;
		this.#size(bitmap.width, bitmap.height);
		this.#context.drawImage(bitmap, 0, 0);
		const known = captured > 0 && !this.#first;
		this.meter.add(performance.now(), known ? Math.max(0, clock.hub() - captured) : null);
		this.#first = false;
		this.#drawn = true;
		this.#acknowledge(socket, bitmap);
	}

	/* What shape the pictures will have, so that nothing jumps when the first one comes. */
	expect(width, height) {
		if (!this.#drawn && width && height)
			this.#size(width, height);
	}

	/* Setting a canvas's size empties it, so only if it is another one. */
	#size(width, height) {
		if (this.#canvas.width !== width || this.#canvas.height !== height)
			Object.assign(this.#canvas, { width, height });
	}
}

/* ---- what the page says of a stream ---- */

class Card {
	#stream = {};
	#history = []; /* latencies, one a tick, of the last minute */
	#visible = false;

	constructor(name) {
		const card = this.node = document.getElementById("stream").content.firstElementChild.cloneNode(true);
		const canvas = card.querySelector("canvas");
		this.screen = card.querySelector(".screen");
		this.toggle = card.querySelector(".toggle");
		this.details = card.querySelector("details");
		card.dataset.stream = name;
		canvas.id = `picture-${name}`;
		set(field(card, "name"), name);
		field(card, "name").title = name;
		this.screen.setAttribute("aria-label", `${name}, live picture: show it full-screen, or back`);
		for (const link of card.querySelectorAll("[data-link]"))
			link.href = `${link.dataset.link}/${encodeURIComponent(name)}`;
		this.viewer = new Viewer(name, canvas, () => this.tick());
		const enlarge = () => this.screen.requestFullscreen().catch(() => {});
		this.screen.onclick = () => document.fullscreenElement ? document.exitFullscreen() : enlarge();
		this.toggle.onclick = () => this.#order();
		this.details.ontoggle = () => this.#showDetails();
		this.seen = new IntersectionObserver((entries) => {
			this.#visible = entries.at(-1).isIntersecting;
			this.look();
		});
		this.seen.observe(this.screen);
	}

	remove() {
		this.seen.disconnect();
		this.viewer.want(false);
		this.node.remove();
	}

	/* Opens or closes the socket: can somebody see the picture? */
	look() {
		const full = document.fullscreenElement;
		this.viewer.want(this.#visible && !document.hidden && (!full || full === this.screen));
	}

	/* Tells the hub to start or stop the processor. */
	async #order() {
		const verb = this.#stream.wanted ? "stop" : "start";
		const refusal = field(this.node, "refusal");
		this.toggle.disabled = true;
		say(refusal, "");
		try {
			const path = `processors/${encodeURIComponent(this.#stream.name)}/${verb}`;
			const answer = await fetch(path, { method: "POST", signal: AbortSignal.timeout(PATIENCE) });
			if (!answer.ok)
				say(refusal, `Could not ${verb} it: ${(await answer.text()).trim() || answer.status}`);
		} catch (error) {
			say(refusal, `Could not ${verb} it: ${error.message}`);
		}
		this.toggle.disabled = false;
		page.poll();
	}

	update(stream) {
		this.#stream = stream;
		this.viewer.expect(stream.width, stream.height);
		if (stream.online && stream.fps > 1 && this.viewer.silent())
			this.viewer.retry();
		this.#showTexts();
		this.#showRecording(stream.recording);
		fillList(this.node.querySelector(".results"), Object.entries(stream.results ?? {}));
		if (this.details.open)
			this.#showDetails();
		this.tick();
	}

	/* The badge, its colour, and the word over the picture if there is one. */
	#state() {
		const { kind, online, running, wanted } = this.#stream;
		if (page.lost)
			return ["unknown", "", ""];
		if (kind === "processor" && !running)
			return wanted ? ["restarting", "bad", "Restarting"] : ["stopped", "", "Stopped"];
		return online ? ["online", "good", ""] : ["no signal", "bad", "No signal"];
	}

	#showTexts() {
		const stream = this.#stream;
		const processor = stream.kind === "processor";
		const kind = processor ? `Processor of ${stream.of}` : "Source";
		const verb = stream.wanted ? "Stop" : "Start";
		const texts = {
			what: list(kind, stream.what, stream.isolated && "own process"),
			source: rate(stream.fps),
			size: stream.width ? `${stream.width} × ${stream.height}` : NONE,
			format: stream.format || NONE,
			age: stream.age == null ? "none yet" : duration(stream.age),
			restarts: count(stream.restarts),
			summary: `readers ${stream.readers.length}, viewers ${stream.viewers.length}`,
		};
		fillFields(this.node, texts);
		field(this.node, "what").title = texts.what;
		this.node.dataset.online = String(stream.online);
		this.toggle.hidden = !processor;
		set(this.toggle, verb);
		this.toggle.setAttribute("aria-label", `${verb} ${stream.name}`);
	}

	#showRecording(recording) {
		const line = field(this.node, "recording");
		this.node.querySelector('[data-part="rec"]').hidden = !recording?.running;
		line.classList.toggle("idle", !recording?.running);
		say(line, recording && list(
			recording.file,
			`${count(recording.frames)} frames`,
			bytes(recording.bytes) + (recording.limit ? ` of ${bytes(recording.limit)}` : ""),
			recording.dropped && `${count(recording.dropped)} dropped`,
			!recording.running && "ended",
			recording.error,
		));
	}

	#showDetails() {
		const stream = this.#stream;
		fillList(this.node.querySelector('[data-list="inner"]'), [
			["Frames", count(stream.frames)],
			["Dropped", count(stream.dropped)],
			["Refused", count(stream.refused)],
			["Slots used", `${stream.slots_used} of ${stream.slots}`],
			["Slot size", bytes(stream.slot_size)],
			["JPEGs made", count(stream.encoded.frames)],
			["Last JPEG", bytes(stream.encoded.bytes)],
			["Encoded in", milliseconds(stream.encoded.milliseconds)],
		]);
		fillTable(this.node.querySelector('[data-table="readers"]'), stream.readers.map((one) => [
			one.name, String(one.process),
			...[one.taken, one.missed, one.dropped, one.held, one.queued].map(count),
			one.every ? `queue of ${one.every}` : "latest",
		]), "No thread or process reads this stream.");
		fillTable(this.node.querySelector('[data-table="viewers"]'), stream.viewers.map((one) => [
			one.name, one.how, count(one.sent), count(one.dropped), one.fps?.toFixed(1) ?? NONE,
			milliseconds(one.latency == null ? null : one.latency * 1000),
		]), "Nobody looks at this stream over the network.");
	}

	/* What this page measures and how its socket fares; also when the hub says nothing. */
	tick() {
		const { state, meter, missed, problem } = this.viewer;
		const [word, colour, veil] = this.#state();
		const live = state === "live" && !veil;
		const fps = meter.fps(), latency = meter.latency();
		const data = { viewer: state, fps: fps.toFixed(1), latency: latency?.toFixed(1) ?? "", missed };
		const texts = { fps: live ? rate(fps) : NONE, latency: live ? milliseconds(latency) : NONE };
		Object.assign(this.node.dataset, data);
		fillFields(this.node, { ...texts, missed: count(missed), badge: word });
		say(field(this.node, "error"), [this.#stream.error, problem].filter(Boolean).join("\n"));
		const words = { connecting: "Connecting…", reconnecting: "Reconnecting…" };
		say(field(this.node, "veil"), words[state] ?? veil);
		field(this.node, "badge").className = `badge ${colour}`;
	}

	/* The latency of the last minute as a line, which fills the width from the start. */
	trend() {
		this.#history = [...this.#history.slice(-119), this.viewer.meter.latency()];
		const most = Math.max(...this.#history), width = Math.max(1, this.#history.length - 1);
		const point = (ms, i) => ms == null ? "" : `${100 * i / width},${23 - 21 * ms / (most || 1)}`;
		this.node.querySelector("polyline").setAttribute("points", this.#history.map(point).join(" "));
		set(field(this.node, "trend"), most ? `Peak ${Math.ceil(most)} ms` : "Peak");
	}
}

/* ---- the page ---- */

const page = {
	cards: new Map(),
	rows: new Map(), /* by the name of the source */
	lost: false,
	polling: false,
	timer: 0,

	/* Asks /status, and again in a second, for as long as somebody can see the page. */
	async poll() {
		clearTimeout(this.timer);
		if (this.polling || document.hidden)
			return;
		this.polling = true;
		const begun = performance.now();
		const status = await this.ask().catch(() => "The connection to the hub is lost. Trying again…");
		this.polling = false;
		this.timer = setTimeout(() => this.poll(), Math.max(100, POLL - (performance.now() - begun)));
		const trouble = typeof status === "string";
		this.tell(trouble ? status : "");
		trouble || this.show(status);
	},

	/* Returns the status, or a text that says what is wrong; throws if the hub does not answer. */
	async ask() {
		const asked = clock.here();
		const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
		const answered = clock.here();
		if (answer.status === 401 || answer.status === 403)
			return "The hub wants its token: open the address that it printed when it started.";
		if (!answer.ok)
			return `The hub answers with an error (${answer.status}). Trying again…`;
		const status = await answer.json();
		clock.learn(asked, answered, status.now * 1000);
		return status;
	},

	/* What is wrong with the connection, if anything. Once it is well, who waits to reconnect waits no longer. */
	tell(trouble) {
		const found = this.lost && !trouble;
		this.lost = Boolean(trouble);
		say(document.getElementById("lost"), trouble);
		document.documentElement.classList.toggle("stale", this.lost);
		this.cards.forEach((card) => found && card.viewer.hurry());
	},

	show(status) {
		this.showTotals(status);
		this.arrange(status.streams);
		for (const stream of status.streams)
			this.cards.get(stream.name).update(stream);
		document.getElementById("empty").hidden = status.streams.length > 0;
		document.documentElement.dataset.ready = "true";
	},

	showTotals({ version, clients, uptime, torn }) {
		const part = (name) => document.querySelector(`.top [data-part="${name}"]`);
		fillFields(document.querySelector(".top"), {
			version,
			clients: `${count(clients.now)} of ${count(clients.most)}`,
			refused: count(clients.refused),
			uptime: duration(Math.ceil(uptime)),
			torn: count(torn),
		});
		part("refused").hidden = !clients.refused;
		part("torn").hidden = torn == null;
		part("torn").classList.toggle("bad", torn > 0);
	},

	/* Makes the rows and cards those of `streams`, in its order. */
	arrange(streams) {
		const groups = new Map(streams.map((one) => [one.of ?? one.name, []]));
		streams.forEach((one) => groups.get(one.of ?? one.name).push(one));
		this.drop(this.cards, new Set(streams.map((one) => one.name)));
		this.drop(this.rows, groups);
		let i = 0;
		for (const [name, members] of groups) {
			const row = this.rows.get(name) ?? document.createElement("section");
			this.rows.set(name, row);
			row.className = "row";
			row.ariaLabel = `${name} and its processors`;
			row.dataset.count = members.length;
			place(document.getElementById("rows"), row, i++);
			members.forEach((stream, j) => {
				if (!this.cards.has(stream.name))
					this.cards.set(stream.name, new Card(stream.name));
				place(row, this.cards.get(stream.name).node, j);
			});
		}
	},

	drop(map, kept) {
		map.forEach((one, name) => kept.has(name) || (one.remove(), map.delete(name)));
	},

	start() {
		/* The hub has made a cookie of the token; it should not stay where it is copied from, and seen. */
		const url = new URL(location.href);
		url.searchParams.delete("token");
		history.replaceState(null, "", url);
		const look = () => this.cards.forEach((card) => card.look());
		document.addEventListener("fullscreenchange", look);
		document.addEventListener("visibilitychange", look);
		document.addEventListener("visibilitychange", () => this.poll());
		setInterval(() => this.cards.forEach((card) => card.tick()), TICK);
		setInterval(() => this.cards.forEach((card) => card.trend()), TICK);
		this.poll();
	},
};

/* Moving a node without need would take the focus from it. */
function place(parent, node, index) {
	if (parent.children[index] !== node)
		parent.insertBefore(node, parent.children[index] ?? null);
}

page.start();
