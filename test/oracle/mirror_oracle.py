#!/usr/bin/env python3
"""Judges whether one place of container images has all that another one has.

It knows the OCI specs and Python's standard library, and shares nothing with the program it judges:

  distribution-spec 1.1   https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
  image-spec 1.1          https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
  cosign's tags           https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md

No header counts and no size that somebody claims: every manifest and blob is read to its end and digested here.

A SIDE is one of
  http://HOST:PORT[/PREFIX]   a registry; repositories are named without PREFIX
  DIRECTORY, oci:DIRECTORY    an OCI image layout
  FILE, oci-archive:FILE      a tar of a layout, or the parts FILE.001, FILE.002, ... with their sums in FILE.sha256

Entries of a layout's index.json are placed by org.opencontainers.image.ref.name as REPOSITORY:TAG, or by the annotation
io.github.compose-image.repository. What has neither is in the repository called ".", and may refer to anything. What an
entry refers to is its manifest's subject, or the annotation io.github.compose-image.subject.

Exit status: 0 nothing found, 1 something is not as it has to be, 2 no judgement was possible.
"""

import argparse
import hashlib
import http.client
import io
import json
import os
import re
import sys
import tarfile
import urllib.parse

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = INDEX_TYPES + (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
FOREIGN = re.compile(r"\.nondistributable\.|\.foreign\.")
DIGEST = re.compile(r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")
FALLBACK_TAG = re.compile(r"^(sha256|sha512)-[0-9a-f]{64}$")
FIRST_PART = re.compile(r"\.00+1$")
COSIGN_SUFFIXES = (".sig", ".att", ".sbom")

REF_NAME = "org.opencontainers.image.ref.name"
REPOSITORY = "io.github.compose-image.repository"
SUBJECT = "io.github.compose-image.subject"
NAMELESS = "."
CHUNK = 1 << 20


class NoJudgement(Exception):
    """The question cannot be answered: a registry that fails, a file that is none."""


class Wrong(Exception):
    """Something a side holds is missing or is not what its digest says."""


# ── Digests ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def digested(digest, chunks):
    """Reads to the end; gives the number of bytes. Raises Wrong where they are not the digest's."""
    if not DIGEST.match(digest):
        raise Wrong(f"{digest!r} is no digest")
    algorithm, expected = digest.split(":")
    hasher, size = hashlib.new(algorithm), 0
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
    if hasher.hexdigest() != expected:
        raise Wrong(f"has other bytes: {size} of them, with {algorithm}:{hasher.hexdigest()}")
    return size


def chunks_of(stream):
    try:
        while chunk := stream.read(CHUNK):
            yield chunk
    except http.client.HTTPException as error:
        raise Wrong(f"breaks off: {error!r}") from error


def fallback_tag(subject):
    """distribution-spec, referrers tag schema: <alg>-<ref>, of the digest 64 characters at most."""
    algorithm, encoded = subject.split(":")
    return f"{algorithm}-{encoded[:64]}"


# ── Sides: what all of them answer ─────────────────────────────────────────────────────────────────────────────────────
#
#   repositories() -> [name]
#   tags(repository) -> {tag: digest or None}      None where the side says the tag is there and does not give it
#   roots(repository) -> [digest]                  what is listed without a tag
#   manifest(repository, digest) -> (bytes, media type or None)
#   blob(repository, digest) -> size
#   listings(repository, subject) -> {form: [descriptor] or None}   forms "api", "fallback", "layout"; None: not that form
#   problems: [text]                               what else is wrong, found on the way


class Registry:
    """A registry by plain HTTP."""

    def __init__(self, url, page_size):
        parts = urllib.parse.urlsplit(url)
        self.name = url
        self.base = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path.strip("/")
        self.page_size = page_size
        self.problems = []
        self.sizes, self.manifests, self.all_tags = {}, {}, {}

    def full(self, repository):
        return f"{self.prefix}/{repository}" if self.prefix else repository

    def ask(self, path, redirects=5):
        """The open answer; None for 404. Every other failure ends the judgement."""
        url = urllib.parse.urlsplit(urllib.parse.urljoin(self.base, path))
        connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        try:
            connection = connect(url.netloc, timeout=120)
            target = url.path + ("?" + url.query if url.query else "")
            connection.request("GET", target, headers={"Accept": ", ".join(MANIFEST_TYPES) + ", */*"})
            answer = connection.getresponse()
            if answer.status == 200:
                return answer
            with answer:
                text = answer.read(2000).decode("utf-8", "replace").strip()
        except (OSError, http.client.HTTPException) as error:
            raise NoJudgement(f"{url.geturl()}: {error!r}") from error
        if answer.status == 404:
            return None
        if answer.status in (301, 302, 303, 307, 308) and redirects > 0:
            return self.ask(urllib.parse.urljoin(url.geturl(), answer.getheader("Location", "")), redirects - 1)
        raise NoJudgement(f"{url.geturl()}: {answer.status} {text}")

    def read(self, path):
        """(bytes, headers), or None."""
        answer = self.ask(path)
        if answer is None:
            return None
        with answer:
            return b"".join(chunks_of(answer)), answer.headers

    def pages(self, path):
        """The JSON documents of a listing, by following Link to its end; None where there is no such listing."""
        documents, seen = [], set()
        while path is not None:
            if path in seen:
                raise NoJudgement(f"{self.base}{path}: the pages go round in a circle")
            seen.add(path)
            found = self.read(path)
            if found is None:
                if documents:
                    raise NoJudgement(f"{self.base}{path}: 404, but it was linked to")
                return None
            body, headers = found
            documents.append((parse(body, self.base + path), headers))
            path = self.next_page(path, headers.get("Link"))
        return documents

    def next_page(self, path, link):
        match = re.match(r'\s*<([^>]*)>\s*;.*\brel="?next"?', link or "")
        if match is None:
            return None
        target = urllib.parse.urlsplit(urllib.parse.urljoin(self.base + path, match.group(1)))
        if f"{target.scheme}://{target.netloc}" != self.base:
            raise NoJudgement(f"{self.base}{path}: the next page is at another host: {match.group(1)}")
        return target.path + ("?" + target.query if target.query else "")

    def repositories(self):
        documents = self.pages(f"/v2/_catalog?n={self.page_size}")
        if documents is None:
            raise NoJudgement(f"{self.name} has no catalog: name the repositories with --repository")
        below = self.prefix + "/" if self.prefix else ""
        names = [name for document, _ in documents for name in document.get("repositories") or []]
        return sorted({name[len(below) :] for name in names if name.startswith(below)})

    def tags(self, repository):
        if repository not in self.all_tags:
            documents = self.pages(f"/v2/{self.full(repository)}/tags/list?n={self.page_size}") or []
            names = [tag for document, _ in documents for tag in document.get("tags") or []]
            for tag in {tag for tag in names if names.count(tag) > 1}:
                self.problems.append(f"{repository}: tags/list has {tag} more than once")
            self.all_tags[repository] = {tag: self.tag(repository, tag) for tag in sorted(set(names))}
        return self.all_tags[repository]

    def tag(self, repository, tag):
        found = self.read(f"/v2/{self.full(repository)}/manifests/{tag}")
        if found is None:
            self.problems.append(f"{repository}:{tag}: is listed, and is not there")
            return None
        body, headers = found
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        claimed = headers.get("Docker-Content-Digest")
        if claimed is not None and claimed.startswith("sha512:"):
            digest = "sha512:" + hashlib.sha512(body).hexdigest()
        if claimed is not None and claimed != digest:
            self.problems.append(f"{repository}:{tag}: says it is {claimed}, and is {digest}")
        return digest

    def roots(self, repository):
        return []

    def manifest(self, repository, digest):
        key = (repository, digest)
        if key not in self.manifests:
            self.manifests[key] = self.read_manifest(repository, digest)
        found = self.manifests[key]
        if isinstance(found, Wrong):
            raise found
        return found

    def read_manifest(self, repository, digest):
        found = self.read(f"/v2/{self.full(repository)}/manifests/{digest}")
        if found is None:
            return Wrong("is missing")
        body, headers = found
        try:
            digested(digest, [body])
        except Wrong as wrong:
            return wrong
        return body, (headers.get("Content-Type") or "").split(";")[0].strip() or None

    def blob(self, repository, digest):
        key = (repository, digest)
        if key not in self.sizes:
            answer = self.ask(f"/v2/{self.full(repository)}/blobs/{digest}")
            if answer is None:
                raise Wrong("is missing")
            with answer:
                self.sizes[key] = digested(digest, chunks_of(answer))
        return self.sizes[key]

    def listings(self, repository, subject):
        return {"api": self.api(repository, subject), "fallback": self.fallback(repository, subject)}

    def api(self, repository, subject):
        """distribution-spec, listing referrers; 404 means that there is no such API."""
        path = f"/v2/{self.full(repository)}/referrers/{subject}"
        documents = self.pages(path)
        if documents is None:
            return None
        listed = [entry for document, _ in documents for entry in document.get("manifests") or []]
        for document, _ in documents:
            if document.get("mediaType") != INDEX_TYPES[0]:
                self.problems.append(f"{repository}: the referrers of {subject} are no image index")
        for wanted in sorted({entry["artifactType"] for entry in listed if entry.get("artifactType")}):
            self.check_filter(repository, subject, path, wanted, listed)
        return listed

    def check_filter(self, repository, subject, path, wanted, listed):
        """A filter that is not announced as applied is none; one that is has to give those and no others."""
        documents = self.pages(f"{path}?artifactType={urllib.parse.quote(wanted, safe='')}") or []
        got = {entry["digest"] for document, _ in documents for entry in document.get("manifests") or []}
        applied = all("artifactType" in (headers.get("OCI-Filters-Applied") or "") for _, headers in documents)
        right = {entry["digest"] for entry in listed if not applied or entry.get("artifactType") == wanted}
        if got != right:
            self.problems.append(
                f"{repository}: the referrers of {subject} with artifactType {wanted} are {sorted(got)}, not {sorted(right)}"
            )

    def fallback(self, repository, subject):
        found = self.read(f"/v2/{self.full(repository)}/manifests/{fallback_tag(subject)}")
        if found is None:
            return None
        return listed_by(parse(found[0], f"{repository}:{fallback_tag(subject)}"))


class Layout:
    """An OCI image layout; `files` opens what is in it."""

    def __init__(self, name, files):
        self.name = name
        self.files = files
        self.problems = list(files.problems)
        self.sizes = {}
        with self.open("oci-layout") as stream:
            version = parse(stream.read(), "oci-layout").get("imageLayoutVersion")
        if version != "1.0.0":
            self.problems.append(f"oci-layout: imageLayoutVersion is {version!r}")
        with self.open("index.json") as stream:
            index = parse(stream.read(), "index.json")
        if index.get("schemaVersion") != 2:
            self.problems.append("index.json: schemaVersion is not 2")
        self.entries = [(*placed(entry), entry) for entry in index.get("manifests") or []]

    def open(self, path):
        stream = self.files.open(path)
        if stream is None:
            raise NoJudgement(f"{self.name} is no OCI layout: it has no {path}")
        return stream

    def repositories(self):
        return sorted({repository for repository, _, _ in self.entries})

    def tags(self, repository):
        tags = {}
        for where, tag, entry in self.entries:
            if where != repository or tag is None:
                continue
            if tags.setdefault(tag, entry["digest"]) != entry["digest"]:
                self.problems.append(f"{repository}:{tag}: index.json has it more than once")
        return tags

    def roots(self, repository):
        return [entry["digest"] for where, tag, entry in self.entries if where == repository and tag is None]

    def manifest(self, repository, digest):
        del repository
        with self.blob_file(digest) as stream:
            body = stream.read()
        self.sizes[digest] = digested(digest, [body])
        return body, next((entry.get("mediaType") for *_, entry in self.entries if entry["digest"] == digest), None)

    def blob(self, repository, digest):
        del repository
        if digest not in self.sizes:
            with self.blob_file(digest) as stream:
                self.sizes[digest] = digested(digest, chunks_of(stream))
        return self.sizes[digest]

    def blob_file(self, digest):
        stream = self.files.open("blobs/" + digest.replace(":", "/")) if DIGEST.match(digest) else None
        if stream is None:
            raise Wrong("is missing")
        return stream

    def listings(self, repository, subject):
        """Entries of index.json whose manifests, or whose annotation, have this subject, and what a fallback tag lists."""
        listed, fallback = {}, None
        for where, tag, entry in self.entries:
            if where not in (repository, NAMELESS):
                continue
            try:
                document = parse(self.manifest(where, entry["digest"])[0], entry["digest"])
            except Wrong:
                continue
            annotated = (entry.get("annotations") or {}).get(SUBJECT)
            if subject in ((document.get("subject") or {}).get("digest"), annotated):
                listed[entry["digest"]] = entry
            if tag == fallback_tag(subject):
                fallback = listed_by(document)
        return {"layout": list(listed.values()), "fallback": fallback}

    def blobs(self):
        """All there are, of anything or nothing, each read."""
        found = {}
        for path in self.files.paths():
            match = re.match(r"^blobs/([^/]+)/([^/]+)$", path)
            if match is None:
                continue
            digest = f"{match.group(1)}:{match.group(2)}"
            try:
                found[digest] = self.blob(NAMELESS, digest)
            except Wrong as wrong:
                self.problems.append(f"{path}: {wrong}")
        return found


class Directory:
    """The files of a layout directory."""

    def __init__(self, path):
        self.path = path
        self.problems = []

    def open(self, path):
        full = os.path.join(self.path, path)
        return open(full, "rb") if os.path.isfile(full) else None

    def paths(self):
        for folder, _, names in os.walk(self.path):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.path).replace(os.sep, "/")


class Archive:
    """The files of a tar, which may be in parts."""

    def __init__(self, path):
        self.problems = []
        self.members = {}
        if os.path.isfile(path) and not FIRST_PART.search(path):
            self.stream, self.size = open(path, "rb"), os.path.getsize(path)
        else:
            whole = FIRST_PART.sub("", path)
            parts = parts_of(whole)
            self.problems += check_sums(whole, parts)
            self.stream = io.BufferedReader(Parts(parts), CHUNK)
            self.size = sum(os.path.getsize(part) for part in parts)
        try:
            self.tar = tarfile.open(fileobj=self.stream, mode="r:")
            members = self.tar.getmembers()
        except (tarfile.TarError, EOFError) as error:
            raise NoJudgement(f"{path}: no whole tar: {error}") from error
        for member in members:
            name = re.sub(r"^(\./)+", "", member.name)
            if not member.isfile():
                continue
            if name in self.members:
                self.problems.append(f"{name}: is in the archive more than once")
            self.members[name] = member

    def open(self, path):
        member = self.members.get(path)
        return None if member is None else self.tar.extractfile(member)

    def paths(self):
        return list(self.members)


class Parts(io.RawIOBase):
    """Files one after the other, as one that can be sought in."""

    def __init__(self, paths):
        super().__init__()
        self.files = [(path, os.path.getsize(path)) for path in paths]
        self.size = sum(size for _, size in self.files)
        self.position = 0
        self.opened = (None, None)

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.position

    def seek(self, offset, whence=io.SEEK_SET):
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def readinto(self, buffer):
        start = 0
        for path, size in self.files:
            if self.position < start + size:
                if self.opened[0] != path:
                    if self.opened[1] is not None:
                        self.opened[1].close()
                    self.opened = (path, open(path, "rb"))
                file = self.opened[1]
                file.seek(self.position - start)
                wanted = min(len(buffer), start + size - self.position)
                content = file.read(wanted)
                buffer[: len(content)] = content
                self.position += len(content)
                return len(content)
            start += size
        return 0


def parts_of(whole):
    """Numbered with three digits, or with more where there are many."""
    for digits in (3, 4, 5, 6):
        parts = []
        while os.path.isfile(part := f"{whole}.{len(parts) + 1:0{digits}d}"):
            parts.append(part)
        if parts:
            return parts
    raise NoJudgement(f"{whole}: no such file, and no {os.path.basename(whole)}.001")


def check_sums(whole, parts):
    """What FILE.sha256 says of the parts, in the lines of sha256sum(1)."""
    try:
        with open(whole + ".sha256", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return [f"{whole}.sha256 is missing"]
    problems, sums = [], {}
    for line in lines:
        match = re.match(r"^([0-9a-f]{64}) [ *](.+)$", line)
        if match is None:
            problems.append(f"{whole}.sha256: not a line of sha256sum: {line!r}")
        else:
            sums[match.group(2)] = match.group(1)
    for part in parts:
        expected = sums.pop(os.path.basename(part), None)
        hasher = hashlib.sha256()
        with open(part, "rb") as file:
            for chunk in chunks_of(file):
                hasher.update(chunk)
        if expected is None:
            problems.append(f"{whole}.sha256 does not have {os.path.basename(part)}")
        elif expected != hasher.hexdigest():
            problems.append(f"{part} has not the sum that {whole}.sha256 says")
    problems += [f"{whole}.sha256 has {name}, which is not there" for name in sums]
    return problems


def placed(entry):
    """(repository, tag or None) of an entry of index.json."""
    annotations = entry.get("annotations") or {}
    name = annotations.get(REF_NAME)
    repository = annotations.get(REPOSITORY) or NAMELESS
    if name is None:
        return repository, None
    if ":" not in name:
        return repository, name
    path, tag = name.rsplit(":", 1)
    host, slash, rest = path.partition("/")
    return (rest if slash and ":" in host else path), tag


def open_side(text, page_size):
    if re.match(r"^https?://", text):
        return Registry(text, page_size)
    path = re.sub(r"^oci(-archive)?:", "", text)
    return Layout(text, Directory(path) if os.path.isdir(path) else Archive(path))


# ── Documents ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(body, where):
    try:
        document = json.loads(body)
    except ValueError as error:
        raise NoJudgement(f"{where}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise NoJudgement(f"{where}: not a JSON object")
    return document


def listed_by(index):
    """What a fallback tag lists; None where it is no index, for then it is somebody's tag."""
    return index.get("manifests") or [] if "manifests" in index else None


def kind_of(document):
    return "index" if "manifests" in document else "manifest"


def referrer_descriptor(document):
    """What a listing has to say of a manifest: its type, and its annotations."""
    config = document.get("config") or {}
    return document.get("artifactType") or config.get("mediaType"), document.get("annotations") or {}


# ── Walking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Walk:
    """All that is below some tags and roots of one repository, and all that refers to any of it, all digested."""

    def __init__(self, side, repository, only_tags=None):
        self.side, self.repository = side, repository
        every = side.tags(repository)
        self.listing_tags = {tag for tag in every if self.is_listing(tag, every[tag])}
        chosen = set(every) - self.listing_tags if only_tags is None else set(only_tags)
        self.tags = {tag: every.get(tag) for tag in sorted(chosen)}
        self.manifests = {}
        self.referrers = {}
        self.forms = {}
        self.blobs = {}
        self.missing = []
        self.problems = [f"{repository}:{tag}: is missing" for tag in chosen if tag not in every]
        self.asked = set()
        queue = [digest for digest in self.tags.values() if digest]
        if only_tags is None:
            queue += side.roots(repository)
            for tag in sorted(self.listing_tags):
                # of a SHA-512 the tag has only half
                self.queue_referrers(queue, tag.replace("sha256-", "sha256:"))
        while queue:
            digest = queue.pop()
            if digest in self.manifests:
                continue
            queue += self.visit(digest)
            self.queue_referrers(queue, digest)
            for tag in self.cosign_tags(digest, every):
                self.tags[tag] = every[tag]
                queue += [every[tag]] if every[tag] else []

    def is_listing(self, tag, digest):
        """A fallback tag is an index of referrers; what else has such a name is a tag like others."""
        if not FALLBACK_TAG.match(tag) or digest is None:
            return False
        try:
            return listed_by(parse(self.side.manifest(self.repository, digest)[0], digest)) is not None
        except Wrong:
            return False

    @staticmethod
    def cosign_tags(digest, every):
        return [tag for suffix in COSIGN_SUFFIXES if (tag := digest.replace(":", "-") + suffix) in every]

    def visit(self, digest):
        """Notes a manifest, checks what it needs, and gives its children."""
        try:
            body, media_type = self.side.manifest(self.repository, digest)
        except Wrong as wrong:
            self.manifests[digest] = None
            self.missing.append(digest)
            self.problems.append(f"{self.repository}: manifest {digest} {wrong}")
            return []
        document = parse(body, digest)
        children = [one for one in document.get("manifests") or [] if one.get("mediaType") in MANIFEST_TYPES]
        blobs = [one for one in document.get("manifests") or [] if one not in children]
        blobs += [document["config"]] if document.get("config") else []
        blobs += document.get("layers") or []
        for child in children:
            self.check_child(digest, child)
        for blob in blobs:
            self.check_blob(digest, blob)
        self.manifests[digest] = {
            "kind": kind_of(document),
            "mediaType": document.get("mediaType") or media_type,
            "servedAs": media_type,
            "size": len(body),
            "children": [child["digest"] for child in children],
            "config": summary(document.get("config")),
            "layers": [summary(layer) for layer in document.get("layers") or []],
            "subject": (document.get("subject") or {}).get("digest"),
            "artifactType": referrer_descriptor(document)[0],
        }
        said = document.get("mediaType")
        if said and media_type and said != media_type:
            self.problems.append(f"{self.repository}: manifest {digest} is {said}, and is called {media_type}")
        return [child["digest"] for child in children]

    def check_child(self, parent, child):
        try:
            size = len(self.side.manifest(self.repository, child["digest"])[0])
        except Wrong:
            return
        if size != child.get("size"):
            self.problems.append(f"{self.repository}: {child['digest']} has {size} bytes, {parent} says {child.get('size')}")

    def check_blob(self, parent, blob):
        digest = blob["digest"]
        if digest not in self.blobs:
            try:
                self.blobs[digest] = self.side.blob(self.repository, digest)
            except Wrong as wrong:
                if FOREIGN.search(blob.get("mediaType") or "") and blob.get("urls"):
                    return
                self.blobs[digest] = None
                self.missing.append(digest)
                self.problems.append(f"{self.repository}: blob {digest} {wrong}")
        size = self.blobs[digest]
        if size is not None and size != blob.get("size"):
            self.problems.append(f"{self.repository}: {digest} has {size} bytes, {parent} says {blob.get('size')}")

    def queue_referrers(self, queue, subject):
        """All forms together. What is listed and not there refers to nothing; nor does anything to itself."""
        if subject in self.asked or not DIGEST.match(subject):
            return
        self.asked.add(subject)
        forms = self.side.listings(self.repository, subject)
        found = {}
        for listed in forms.values():
            for entry in listed or []:
                if entry["digest"] != subject and self.is_there(entry["digest"]):
                    found[entry["digest"]] = entry
        self.forms[subject] = {
            form: None if listed is None else sorted(entry["digest"] for entry in listed) for form, listed in forms.items()
        }
        self.referrers[subject] = found
        queue.extend(found)

    def is_there(self, digest):
        try:
            self.side.manifest(self.repository, digest)
            return True
        except Wrong as wrong:
            return str(wrong) != "is missing"

    def to_json(self):
        manifests = {}
        for digest, manifest in sorted(self.manifests.items()):
            manifests[digest] = {**(manifest or {"missing": True}), "referrers": self.forms.get(digest, {})}
            cosign = self.cosign_tags(digest, self.tags)
            if cosign:
                manifests[digest]["cosign"] = {tag: self.tags[tag] for tag in cosign}
        return {
            "tags": dict(sorted(self.tags.items())),
            "listingTags": sorted(self.listing_tags),
            "manifests": manifests,
            "blobs": dict(sorted(self.blobs.items())),
        }


def summary(descriptor):
    return descriptor and {key: descriptor.get(key) for key in ("mediaType", "digest", "size")}


# ── What is asked for ──────────────────────────────────────────────────────────────────────────────────────────────────


def describe(arguments):
    side = open_side(arguments.side, arguments.page_size)
    walks = {name: Walk(side, name) for name in arguments.repository or side.repositories()}
    result = {
        "side": side.name,
        "repositories": {name: walk.to_json() for name, walk in walks.items()},
    }
    if isinstance(side, Layout):
        known = {digest for walk in walks.values() for digest in (*walk.manifests, *walk.blobs)}
        known |= {entry["digest"] for *_, entry in side.entries}
        blobs = side.blobs()
        result["unreferenced"] = {digest: size for digest, size in sorted(blobs.items()) if digest not in known}
    result["missing"] = sorted({digest for walk in walks.values() for digest in walk.missing})
    result["problems"] = unique(side.problems + [text for walk in walks.values() for text in walk.problems])
    json.dump(result, sys.stdout, indent=2)
    print()
    return 1 if result["problems"] else 0


def compare(arguments):
    near = open_side(arguments.near, arguments.page_size)
    far = open_side(arguments.far, arguments.page_size)
    mapped = dict(pair(text, "=", "--map") for text in arguments.map)
    chosen = {}
    for text in arguments.tag:
        repository, tag = pair(text, ":", "--tag")
        chosen.setdefault(repository, []).append(tag)
    names = sorted(set(arguments.repository) | set(chosen)) or near.repositories()
    if not names:
        raise NoJudgement(f"{near.name} has no repositories: there is nothing to compare")
    differences, counts = [], dict.fromkeys(("tags", "manifests", "blobs", "referrers"), 0)
    for name in names:
        walk = Walk(near, name, chosen.get(name))
        differences += [f"near: {text}" for text in walk.problems]
        compare_repository(walk, far, mapped.get(name, name), differences, counts)
    differences += [f"near: {text}" for text in near.problems] + [f"far: {text}" for text in far.problems]
    for difference in unique(differences):
        print(difference)
    figures = ", ".join(f"{count} {what}" for what, count in counts.items())
    if differences:
        print(f"{len(unique(differences))} differences; {len(names)} repositories compared: {figures}")
        return 1
    print(f"equal: {len(names)} repositories, {figures}")
    return 0


def compare_repository(walk, far, repository, differences, counts):
    def differ(text):
        differences.append(f"far: {repository}{text}")

    tags = far.tags(repository)
    for tag, digest in walk.tags.items():
        counts["tags"] += 1
        if tag not in tags:
            differ(f":{tag}: the tag is missing; it is {digest}")
        elif digest and tags[tag] != digest:
            differ(f":{tag}: the tag is {tags[tag]}, and has to be {digest}")
    there = {}
    for digest, manifest in walk.manifests.items():
        if manifest is None:
            continue
        counts["manifests"] += 1
        try:
            body, media_type = far.manifest(repository, digest)
        except Wrong as wrong:
            differ(f": manifest {digest} {wrong}")
            continue
        there[digest] = parse(body, digest)
        if media_type and manifest["servedAs"] and media_type != manifest["servedAs"]:
            differ(f": manifest {digest} is called {media_type}, and has to be {manifest['servedAs']}")
    for digest, size in walk.blobs.items():
        if size is None:
            continue
        counts["blobs"] += 1
        try:
            far.blob(repository, digest)
        except Wrong as wrong:
            differ(f": blob {digest} {wrong}")
    for subject, referrers in walk.referrers.items():
        counts["referrers"] += len(referrers)
        if referrers:
            compare_referrers(subject, referrers, there, far.listings(repository, subject), differ)


def compare_referrers(subject, referrers, there, forms, differ):
    """A client finds referrers by the API where there is one, else by the fallback tag; of a layout by either."""
    by_api = forms.get("api") is not None
    listed = forms["api"] if by_api else (forms.get("layout") or []) + (forms.get("fallback") or [])
    found = {}
    for entry in listed:
        found.setdefault(entry["digest"], []).append(entry)
    for digest, near_entry in referrers.items():
        document = there.get(digest)
        if document is None:
            continue
        if digest not in found:
            # what a listing calls a referrer and says nothing of this subject can be listed by a fallback tag alone
            if not by_api or (document.get("subject") or {}).get("digest") == subject:
                differ(f": the referrers of {subject} lack {digest}")
            continue
        if "layout" in forms:
            continue
        said = [(entry.get("artifactType"), entry.get("annotations") or {}) for entry in found[digest]]
        right = [referrer_descriptor(document)]
        if not by_api:
            right.append((near_entry.get("artifactType"), near_entry.get("annotations") or {}))
        if not any(one in right for one in said):
            differ(f": the referrers of {subject} list {digest} as {said[0]}, and it is {right[0]}")


def delta(arguments):
    side = open_side(arguments.archive, arguments.page_size)
    if not isinstance(side, Layout):
        raise NoJudgement("delta judges a layout or an archive")
    expected = [digest for digest in arguments.expect_blobs.split(",") if digest]
    blobs = side.blobs()
    for digest, size in sorted(blobs.items()):
        print(f"{'expected' if digest in expected else 'besides'} {digest} {size}")
    lines = list(side.problems)
    lines += [f"{digest}: is expected, and is missing" for digest in expected if digest not in blobs]
    wanted = sum(blobs.get(digest, 0) for digest in set(expected))
    if isinstance(side.files, Archive):
        size = side.files.size
    else:
        size = sum(os.path.getsize(os.path.join(side.files.path, path)) for path in side.files.paths())
    besides = size - wanted
    percent = 100 * besides / wanted if wanted else float("inf")
    if percent > arguments.most_percent:
        lines.append(f"{besides} bytes besides are more than {arguments.most_percent:g} % of the expected blobs")
    for line in unique(lines):
        print(line)
    print(f"{size} bytes in all, {wanted} of expected blobs, {besides} besides: {percent:.3f} %")
    return 1 if lines else 0


def pair(text, separator, option):
    first, found, second = text.partition(separator)
    if not (first and found and second):
        raise NoJudgement(f"{option} {text}: not two names with {separator!r} between them")
    return first, second


def unique(lines):
    return list(dict.fromkeys(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page-size", type=int, default=100, metavar="N", help="entries asked for by page (default: 100)")
    modes = parser.add_subparsers(required=True, metavar="MODE")

    mode = modes.add_parser("describe", help="print all that a side holds as JSON")
    mode.add_argument("side", metavar="SIDE")
    mode.add_argument("--repository", action="append", default=[], help="this one alone; repeatable")
    mode.set_defaults(run=describe)

    mode = modes.add_parser("compare", help="print what the far side lacks of the near one, a line each")
    mode.add_argument("near", metavar="NEAR")
    mode.add_argument("far", metavar="FAR")
    mode.add_argument("--map", action="append", default=[], metavar="FROM=TO", help="repository that is called TO at the far side")
    mode.add_argument("--repository", action="append", default=[], help="compare this one alone; repeatable")
    mode.add_argument("--tag", action="append", default=[], metavar="REPOSITORY:TAG", help="of this repository this tag alone")
    mode.set_defaults(run=compare)

    mode = modes.add_parser("delta", help="print the blobs of an archive, and how much is in it besides those expected")
    mode.add_argument("archive", metavar="ARCHIVE")
    mode.add_argument("--expect-blobs", required=True, metavar="D1,D2,...", help="digests of what has to be in it")
    mode.add_argument("--most-percent", type=float, default=1.0, metavar="P", help="bytes besides, of the expected ones (default: 1)")
    mode.set_defaults(run=delta)

    arguments = parser.parse_args()
    try:
        return arguments.run(arguments)
    except (NoJudgement, Wrong, OSError) as error:
        print(f"no judgement: {error}", file=sys.stderr)
        return 2
    except (AttributeError, KeyError, TypeError, ValueError, http.client.HTTPException) as error:
        print(f"no judgement: a document is not as the specs say: {error!r}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
